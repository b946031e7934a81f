"""A Redis, a brinco and a campaign, wired together."""

from . import agents, clicks, journal, tokens
from .brinco import Brinco
from .redis_server import RedisServer
from .wait import wait_for

ANDROID_TEMPLATE = "https://play.google.com/store/apps/details?id=mx.example.app&referrer={referrer}"
IOS_TEMPLATE = "https://apps.apple.com/app/apple-store/id1234567890?pt=123456&ct=spring&mt=8"
WEB_TEMPLATE = "https://www.example.mx/install?code={code}&click={click}"
FALLBACK_TEMPLATE = "https://www.example.mx/over?campaign={campaign}&click={click}"

SPRING = {
    "name": "Spring",
    "android": ANDROID_TEMPLATE,
    "ios": IOS_TEMPLATE,
    "web": WEB_TEMPLATE,
    "og_title": "Ana invites you",
    "og_description": "Both of you get a present.",
    "og_image": "https://www.example.mx/present.jpg",
}


class System:
    """Redis with the campaign `spring` and the link AB12CD in it, and a server beside it."""

    def __init__(self, directory, **options):
        self.redis = RedisServer(directory / "r")
        self.keys = self.redis.client
        self.brinco = Brinco(directory / "b", self.redis.url, **options)

    def prepare(self):
        self.redis.start()
        self.campaign("spring")
        self.link("AB12CD", owner="ana")

    def close(self):
        try:
            self.brinco.close()
        finally:
            self.redis.stop()

    def campaign(self, campaign, **changes):
        """The campaign with the fields of SPRING, some changed; None leaves a field out."""
        self._hash(f"brinco:campaign:{campaign}", {**SPRING, **changes})

    def link(self, code, **fields):
        self._hash(f"brinco:link:{code}", {"campaign": "spring", **fields})

    def _hash(self, key, fields):
        pipe = self.keys.pipeline()
        pipe.delete(key)
        pipe.hset(key, mapping={name: value for name, value in fields.items()
                                if value is not None})
        pipe.execute()

    def tap(self, code, agent=agents.ANDROID, **more):
        return self.brinco.tap(code, agent, **more)

    def clicks(self):
        return clicks.stream_entries(self.keys)

    def click_of(self, reply):
        """The stream entry of the tap that got this redirect, as soon as it is there."""
        key = tokens.click_id(tokens.token_of(reply.location))
        return wait_for(lambda: next((c for c in self.clicks() if c["id"] == key), None),
                        what=f"click {key} in the stream")

    def clicks_of(self, code, count=1):
        """The entries of a code, as soon as there are that many; never more."""
        def there():
            found = [click for click in self.clicks() if click["code"] == code]
            return found if len(found) >= count else None

        found = wait_for(there, what=f"{count} clicks of {code}")
        assert len(found) == count
        return found

    def counted(self, **labels):
        return self.brinco.metrics().sum("brinco_taps_total", **labels)

    def wait_shipped(self):
        """Waits until all that is in the journals is in the streams."""
        wait_for(self._is_shipped, what="everything is shipped")

    def _is_shipped(self):
        for stream, sequence in journal.last_sequences(self.brinco.data).items():
            newest = self.keys.xrevrange(f"brinco:{stream}", count=1)
            if not newest or int(newest[0][0].split("-")[1]) < sequence:
                return False
        return True
