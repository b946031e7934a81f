/*
 * serve_intake.c - where `brinco serve` takes reports of conversions: a journal, and its shipper.
 *
 * A process with an edge has an identity already. One without shares that of its data.dir, and may
 * stand beside an edge there: what must not be written twice, the journal of conversions, has a
 * lock of its own. Tokens are verified with the secret of data.dir, so where no edge ever was there
 * must be a copy of theirs; without one, tokens are taken as they are, and judged where they are
 * counted, which is warned of.
 *
 * Threads   The main thread.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "click/payload.h"
#include "click/shipper.h"
#include "credit/intake.h"
#include "serve_private.h"

enum { MIB = 1024 * 1024 };

static bool share_identity(struct serve *serve, struct err *err) {
    const struct conf *conf = serve->conf;
    if (serve->has_identity) {
        return true;
    }
    serve->has_identity = identity_share(conf->text[CONF_data_dir],
                                         slice_of(conf->text[CONF_edge_id]), &serve->identity, err);
    if (serve->has_identity && !serve->identity.has_secret) {
        log_event(serve->log, LOG_WARN, "conversions_without_secret", "file=%s/secret meaning=%s",
                  conf->text[CONF_data_dir],
                  "tokens cannot be verified here, and are left to those who count: give this "
                  "process a copy of the edges' secret, and restart it");
    }
    return serve->has_identity;
}

static uint64_t disk_bytes_max(const struct conf *conf) {
    return intake_disk_bytes_max(conf->number[CONF_journal_max_mb] * MIB);
}

static bool open_intake(struct serve *serve, struct err *err) {
    const struct intake_options options = {
        .data_dir = serve->conf->text[CONF_data_dir],
        .edge_id = slice_of(serve->identity.edge_id),
        .secret = serve->identity.has_secret ? serve->identity.secret : NULL,
        .secret_size = sizeof(serve->identity.secret),
        .disk_bytes_max = disk_bytes_max(serve->conf),
        .sync_interval_ms = (uint32_t)serve->conf->number[CONF_journal_sync_ms],
        .log = serve->log,
        .metrics = serve->metrics,
    };
    serve->intake = intake_open(&options, err);
    return serve->intake != NULL;
}

static bool start_shipper(struct serve *serve, struct err *err) {
    char directory[4096];
    struct shipper_options options = serve_shipper_options(serve);
    snprintf(directory, sizeof(directory), "%s/conversions", serve->conf->text[CONF_data_dir]);
    options.journal_directory = directory;
    options.journals = intake_journal(serve->intake);
    options.journal_count = 1;
    options.queue.payload = &payload_conversions;
    options.disk_bytes_max = disk_bytes_max(serve->conf);
    serve->conversions = shipper_start(&options, err);
    return serve->conversions != NULL;
}

void serve_open_intake(struct serve *serve) {
    struct err *err = &serve->intake_fault;
    if (share_identity(serve, err) && open_intake(serve, err) && start_shipper(serve, err)) {
        return;
    }
    intake_close(&serve->intake);
    log_event(serve->log, LOG_ERROR, "conversions_unavailable", "error=%s meaning=%s", err->text,
              "POST /v1/conversions is refused; of processes with the API only one can have a "
              "data.dir");
    err_set(err, "its journal cannot be opened; it may need a data.dir of its own, see its log");
}

void serve_configure_intake(struct serve *serve, const struct conf *conf) {
    if (serve->conversions != NULL) {
        shipper_configure(serve->conversions, (uint32_t)conf->number[CONF_journal_retain_hours],
                          disk_bytes_max(conf), (uint32_t)conf->number[CONF_journal_sync_ms]);
    }
}

void serve_close_intake(struct serve *serve, uint64_t begun_ns) {
    uint64_t spent_ms = (clock_monotonic_ns() - begun_ns) / 1000000u;
    shipper_stop(&serve->conversions,
                 spent_ms < serve->drain_ms ? serve->drain_ms - (uint32_t)spent_ms : 0);
    intake_close(&serve->intake);
}
