"""The admin side's /v1, asked with a token."""

import http.client
import json
import urllib.parse


def api_only(make_system, **options):
    """A system whose server has no other role, so that nothing else asks Redis."""
    system = make_system(start=False, serve__roles="api", **options)
    system.brinco.start(wait=False).ready()
    return system


class Api:
    """With a token of its own, made on the command line."""

    def __init__(self, system, role="write"):
        outcome = system.brinco.cli("token", "new", "--role", role, "--name", f"test-{role}")
        assert outcome.returncode == 0, outcome.stderr
        self.token = outcome.stdout.strip()
        self.port = system.brinco.api_port

    def ask(self, method, path, body=None, headers=()):
        """Status, headers and bytes of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=body, headers={
                "Authorization": f"Bearer {self.token}", **dict(headers)})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get(self, path, **choices):
        """The text of a good answer."""
        query = urllib.parse.urlencode({name: str(value) for name, value in choices.items()})
        status, _, body = self.ask("GET", path + ("?" + query if query else ""))
        assert status == 200, body
        return body.decode()

    def json(self, path, **choices):
        return json.loads(self.get(path, **choices))

    def stats(self, path, **choices):
        """path: "", "links/CODE", "campaigns/ID", "top"."""
        return self.json("/v1/stats" + (f"/{path}" if path else ""), **choices)
