/*
 * ops.c - /healthz, /readyz, /metrics.
 *
 * Health says that the process runs and should not be restarted; readiness says whether it can
 * do its whole job now. An outage of Redis makes it unready and leaves it healthy: taps are
 * still answered, and a restart would help nobody.
 */
#include "ops.h"

#include "base/buf.h"
#include "base/metrics.h"
#include "reply.h"

enum { DETAIL_BYTES_MAX = 512, READY_BYTES_MAX = 16384, METRICS_BYTES_MAX = 4 * 1024 * 1024 };

void ops_health(struct caller *caller, const struct head *head) {
    if (reply_allows_get(caller, head)) {
        reply_send(caller, 200, "text/plain; charset=utf-8", SLICE("ok\n"));
    }
}

/* Appends one check as a JSON object; whether it holds. */
static bool append_check(struct buf *body, const struct api_check *check) {
    char detail_bytes[DETAIL_BYTES_MAX];
    struct buf detail = buf_over(detail_bytes, sizeof(detail_bytes));
    bool is_ok = check->check(check->argument, &detail);
    buf_printf(body, "{\"name\":\"%s\",\"ok\":%s,\"detail\":\"", check->name,
               is_ok ? "true" : "false");
    buf_append_json(body, buf_slice(&detail));
    buf_append(body, SLICE("\"}"));
    return is_ok;
}

void ops_ready(const struct ops *ops, struct caller *caller, const struct head *head) {
    char checks_bytes[READY_BYTES_MAX];
    char body_bytes[READY_BYTES_MAX + 64];
    struct buf checks = buf_over(checks_bytes, sizeof(checks_bytes));
    struct buf body = buf_over(body_bytes, sizeof(body_bytes));
    bool is_ready = true;
    if (!reply_allows_get(caller, head)) {
        return;
    }
    for (size_t i = 0; i < ops->check_count; i++) {
        if (i > 0) {
            buf_append_char(&checks, ',');
        }
        is_ready = append_check(&checks, &ops->checks[i]) && is_ready;
    }
    buf_printf(&body, "{\"ready\":%s,\"checks\":[", is_ready ? "true" : "false");
    buf_append(&body, buf_slice(&checks));
    buf_append(&body, SLICE("]}\n"));
    reply_send(caller, is_ready ? 200 : 503, "application/json", buf_slice(&body));
}

void ops_metrics(const struct ops *ops, struct caller *caller, const struct head *head) {
    if (!reply_allows_get(caller, head)) {
        return;
    }
    struct buf text;
    buf_init(&text, METRICS_BYTES_MAX);
    metric_registry_write(ops->metrics, &text);
    reply_send(caller, 200, "text/plain; version=0.0.4; charset=utf-8", buf_slice(&text));
    buf_fini(&text);
}
