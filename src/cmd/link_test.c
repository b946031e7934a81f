/*
 * link_test.c - `brinco link test`: where a tap would lead, without one.
 *
 * Reads the link and its campaign as an edge would, classifies the User-Agent that is given,
 * and asks the same function that answers taps (decide/destination.h). Nothing is written, nothing
 * counted; the click token in the URL is an example.
 *
 * Threads   The main thread.
 */
#include "link_test.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "click/identity.h"
#include "cmd.h"
#include "conf/conf.h"
#include "decide/agent.h"
#include "decide/destination.h"
#include "decide/geo.h"
#include "decide/visitor.h"
#include "http/request.h"
#include "link/code.h"
#include "session.h"

enum { QUERY_BYTES_MAX = 2048, LANGUAGE_BYTES_MAX = 256 };

static const char help[] =
    "Usage: brinco link test CODE [OPTIONS]\n"
    "\n"
    "Shows where a tap on this link would lead, and why: no tap happens, nothing is counted.\n"
    "Exit status 1: there is no such link; what its taps get is shown all the same.\n"
    "\n"
    "      --as DEVICE            android (default), iphone, whatsapp, desktop, mac,\n"
    "                             instagram-android, instagram-iphone, facebook-android,\n"
    "                             facebook-iphone, googlebot\n"
    "      --agent USER-AGENT     Instead: exactly this User-Agent\n"
    "      --ip ADDRESS           From there: country and region, by geo.database\n"
    "      --country CC           Instead of an address; --region CODE with it\n"
    "      --region CODE\n"
    "      --language LIST        As a browser sends it: es-MX, or 'es-MX,es;q=0.9'\n"
    "      --at TIME              Unix seconds, 2026-01-31 (midnight in stats.timezone), or\n"
    "                             2026-01-31T23:59:59Z; default: now\n"
    "      --query QUERY          Of the tapped link: 'source=mail&x=1'\n"
    "      --share N              For rules with a weight: visitor number 0 to 99; default: by\n"
    "                             address and User-Agent, where the secret can be read\n"
    "      --json                 As one JSON object\n" CMD_HELP_COMMON "\n"
    "Examples:\n"
    "  brinco link test AB12CD --as iphone --language es-MX\n"
    "  brinco link test AB12CD --as whatsapp\n";

enum {
    OPTION_AS,
    OPTION_AGENT,
    OPTION_IP,
    OPTION_COUNTRY,
    OPTION_REGION,
    OPTION_LANGUAGE,
    OPTION_AT,
    OPTION_QUERY,
    OPTION_SHARE,
};
static const struct cmd_option options[] = {
    {"as", true},       {"agent", true}, {"ip", true},    {"country", true}, {"region", true},
    {"language", true}, {"at", true},    {"query", true}, {"share", true},   {NULL, false},
};

static int run(struct trial *trial);
static bool read_options(struct trial *trial);
static bool read_language(struct trial *trial);
static bool read_address(struct trial *trial);
static bool read_where(struct trial *trial);
static bool load(struct trial *trial, bool *is_there);
static void decide(struct trial *trial);

int cmd_link_test(const struct cmd *cmd) {
    static const struct cmd_syntax syntax = {.name = "link test",
                                             .help = help,
                                             .options = options,
                                             .operands_min = 1,
                                             .operands_max = 1,
                                             .json = true};
    struct session session;
    int status;
    if (!session_open(cmd, &syntax, &session, &status)) {
        return status;
    }
    struct trial trial = {.session = &session,
                          .code = slice_of(session.line.operands[0]),
                          .now_s = clock_real_ms() / 1000,
                          .warnings = json_array()};
    status = run(&trial);
    link_destroy(&trial.link);
    campaign_destroy(&trial.campaign);
    campaign_destroy(&trial.default_campaign);
    json_decref(trial.warnings);
    return session_close(&session, status);
}

static int run(struct trial *trial) {
    struct agents *agents;
    bool is_there = false;
    if (!code_is_valid(trial->code)) {
        return cmd_usage(&trial->session->line, "code: allowed are 1 to %d of A-Z a-z 0-9 - _",
                         CODE_BYTES_MAX);
    }
    if (!read_options(trial) || !read_where(trial) || !load(trial, &is_there)) {
        return CMD_USAGE;
    }
    agents = agents_create();
    trial->agent = agents_classify(agents, trial->user_agent);
    decide(trial);
    link_test_warn_of_all(trial);
    json_t *told = link_test_report(trial);
    if (trial->session->line.json) {
        json_dumpf(told, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        link_test_show(told);
    }
    json_decref(told);
    agents_destroy(&agents);
    return is_there ? CMD_OK : CMD_PARTIAL;
}

/* --- what was asked ------------------------------------------------------------------------- */

static bool read_share(struct trial *trial) {
    const char *text = trial->session->line.value[OPTION_SHARE];
    uint64_t number;
    if (text == NULL) {
        return true;
    }
    if (!slice_to_u64(slice_of(text), VISITOR_SHARES - 1, &number)) {
        cmd_usage(&trial->session->line, "--share: allowed are numbers from 0 to %d",
                  VISITOR_SHARES - 1);
        return false;
    }
    trial->has_share = true;
    trial->share = (unsigned)number;
    return true;
}

static bool check_size(const struct trial *trial, int option, size_t bytes_max) {
    struct slice text = slice_of(trial->session->line.value[option]);
    if (text.size <= bytes_max) {
        return true;
    }
    cmd_usage(&trial->session->line, "--%s: longer than %zu bytes", options[option].name,
              bytes_max);
    return false;
}

static bool read_options(struct trial *trial) {
    const struct cmd_line *line = &trial->session->line;
    const char *device = line->value[OPTION_AS] != NULL ? line->value[OPTION_AS] : "android";
    const char *agent = link_test_agent(device);
    if (line->value[OPTION_AS] != NULL && line->value[OPTION_AGENT] != NULL) {
        cmd_usage(line, "--as and --agent: one of them is enough");
        return false;
    }
    if (agent == NULL) {
        cmd_usage(line, "--as: there is no \"%.32s\"; allowed are %s", device,
                  link_test_agent_names());
        return false;
    }
    trial->user_agent =
        slice_of(line->value[OPTION_AGENT] != NULL ? line->value[OPTION_AGENT] : agent);
    if (line->value[OPTION_AT] != NULL &&
        !clock_parse_time(slice_of(line->value[OPTION_AT]), &trial->now_s)) {
        cmd_usage(line, "--at: allowed are Unix seconds, 2026-01-31 and 2026-01-31T23:59:59Z");
        return false;
    }
    trial->query = slice_of(line->value[OPTION_QUERY]);
    return check_size(trial, OPTION_QUERY, QUERY_BYTES_MAX) && read_language(trial) &&
           read_share(trial) && read_address(trial);
}

/* What an edge makes of it: "zh-Hant-TW" is zh-TW there. */
static bool read_language(struct trial *trial) {
    struct slice sent = slice_of(trial->session->line.value[OPTION_LANGUAGE]);
    if (!check_size(trial, OPTION_LANGUAGE, LANGUAGE_BYTES_MAX)) {
        return false;
    }
    size_t size =
        http_preferred_language(sent, trial->language_bytes, sizeof(trial->language_bytes));
    trial->language = size > 0 ? slice_make(trial->language_bytes, size) : SLICE_EMPTY;
    if (sent.size > 0 && size == 0) {
        link_test_warn(trial, "--language: an edge finds no language in it");
    }
    return true;
}

static bool read_address(struct trial *trial) {
    const char *text = trial->session->line.value[OPTION_IP];
    if (text == NULL) {
        return true;
    }
    if (inet_pton(AF_INET, text, &trial->address.v4.sin_addr) == 1) {
        trial->address.v4.sin_family = AF_INET;
    } else if (inet_pton(AF_INET6, text, &trial->address.v6.sin6_addr) == 1) {
        trial->address.v6.sin6_family = AF_INET6;
    } else {
        cmd_usage(&trial->session->line, "--ip: \"%.64s\" is no IPv4 or IPv6 address", text);
        return false;
    }
    trial->has_address = true;
    return true;
}

static bool take_place(const struct trial *trial, int option, char *out, size_t size_min,
                       size_t size_max) {
    struct slice text = slice_of(trial->session->line.value[option]);
    if (text.size == 0) {
        return true;
    }
    for (size_t i = 0; i < text.size && i < size_max; i++) {
        char c = text.data[i];
        bool is_lower = c >= 'a' && c <= 'z';
        out[i] = is_lower ? (char)(c - 'a' + 'A') : c;
        if (!((out[i] >= 'A' && out[i] <= 'Z') || (out[i] >= '0' && out[i] <= '9'))) {
            text.size = 0;
        }
    }
    if (text.size < size_min || text.size > size_max) {
        cmd_usage(&trial->session->line, "--%s: allowed is an ISO 3166 code of letters and digits",
                  options[option].name);
        return false;
    }
    return true;
}

/* By the database, or as it is said. */
static bool read_where(struct trial *trial) {
    const char *path = trial->session->conf->text[CONF_geo_database];
    struct err err = {""};
    struct geo *geo = NULL;
    if (trial->has_address && path[0] == '\0') {
        link_test_warn(trial, "geo.database is not set: the country of an address is not known");
    } else if (trial->has_address && (geo = geo_open(path, &err)) == NULL) {
        link_test_warn(trial, "geo.database: %s", err.text);
    } else if (trial->has_address) {
        trial->place = geo_find(geo, &trial->address.any);
        geo_unref(&geo);
    }
    return take_place(trial, OPTION_COUNTRY, trial->place.country, 2, 2) &&
           take_place(trial, OPTION_REGION, trial->place.region, 1, 3);
}

/* --- what there is -------------------------------------------------------------------------- */

static struct slice hosts_of(const struct trial *trial) {
    return slice_of(trial->session->conf->text[CONF_links_allowed_hosts]);
}

/* False: Redis is lost, which was said. */
static bool load_campaign(struct trial *trial, struct slice id, struct campaign **campaign) {
    struct session *session = trial->session;
    struct campaign_fields fields;
    struct err err = {""};
    if (id.size == 0) {
        return true;
    }
    buf_clear(&session->scratch);
    switch (store_campaign_get(&session->redis.store, id, &fields, &session->scratch, &err)) {
    case STORE_OK:
        *campaign = campaign_create(id, fields.value, hosts_of(trial));
        return true;
    case STORE_NOT_FOUND:
        link_test_warn(trial, "there is no campaign \"%.*s\"", SLICE_ARG(id));
        return true;
    case STORE_REFUSED:
        link_test_warn(trial, "campaign \"%.*s\": %s", SLICE_ARG(id), err.text);
        return true;
    case STORE_FAILED:
        cmd_fail(&session->line, "%s", err.text);
        return false;
    }
    return false;
}

static bool load(struct trial *trial, bool *is_there) {
    struct session *session = trial->session;
    struct link_fields fields;
    struct err err = {""};
    enum store_result found =
        store_link_get(&session->redis.store, trial->code, &fields, &session->scratch, &err);
    if (found == STORE_FAILED) {
        cmd_fail(&session->line, "%s", err.text);
        return false;
    }
    if (found == STORE_OK) {
        trial->link = link_create(fields.value, hosts_of(trial));
        *is_there = true;
    } else {
        link_test_warn(trial, found == STORE_REFUSED ? "what Redis has under its key is no link"
                                                     : "there is no such link");
    }
    struct slice none = SLICE_EMPTY;
    struct slice id = trial->link != NULL ? link_campaign(trial->link) : none;
    return load_campaign(trial, id, &trial->campaign) &&
           load_campaign(trial, slice_of(session->conf->text[CONF_edge_default_campaign]),
                         &trial->default_campaign);
}

/* --- deciding ------------------------------------------------------------------------------- */

/* As on an edge that has this secret. */
static unsigned share_of(void *argument) {
    struct trial *trial = argument;
    if (!trial->has_share && trial->has_sharer && trial->has_address) {
        trial->share = visitor_share(&trial->sharer, &trial->address.any, trial->user_agent,
                                     trial->campaign->id);
        trial->has_share = true;
    }
    trial->is_share_missing = !trial->has_share;
    return trial->share;
}

static void decide(struct trial *trial) {
    uint8_t secret[IDENTITY_SECRET_BYTES];
    struct err err;
    const struct destination_share share = {.share = share_of, .argument = trial};
    trial->has_sharer =
        identity_read_secret(trial->session->conf->text[CONF_data_dir], secret, &err);
    if (trial->has_sharer) {
        visitor_sharer_init(&trial->sharer, secret);
        explicit_bzero(secret, sizeof(secret));
    }
    const struct destination_input input = {
        .reachable = true,
        .link = trial->link,
        .campaign = trial->campaign,
        .default_campaign = trial->default_campaign,
        .platform = trial->agent.platform,
        .os_version = trial->agent.os_version,
        .in_app = trial->agent.in_app,
        .country = geo_country(&trial->place),
        .region = geo_region(&trial->place),
        .language = trial->language,
        .query = trial->query,
        .share = &share,
        .now_s = trial->now_s,
    };
    destination_choose(&input, &trial->destination);
}
