/*
 * made_clicks.c - see made_clicks.h: what Mexicans with telephones tap.
 */
#include "made_clicks.h"

#include <stdio.h>

#include "base/defs.h"
#include "link/code.h"

enum {
    CAMPAIGNS = 20,
    PEOPLE = 20 * 1000 * 1000,
};

/* A word and how often it comes, in parts of whatever the table adds up to. */
struct choice {
    const char *word;
    unsigned parts;
};

static const struct choice regions[] = {
    {"MEX", 170}, {"CMX", 92}, {"JAL", 84}, {"VER", 81}, {"PUE", 66}, {"GUA", 62}, {"NLE", 58},
    {"CHP", 55},  {"MIC", 48}, {"OAX", 41}, {"BCN", 38}, {"CHH", 37}, {"GRO", 35}, {"TAM", 35},
    {"COA", 31},  {"HID", 31}, {"SIN", 30}, {"SON", 29}, {"SLP", 28}, {"TAB", 24}, {"QUE", 24},
    {"YUC", 23},  {"MOR", 20}, {"DUR", 18}, {"ROO", 19}, {"ZAC", 16}, {"AGU", 14}, {"TLA", 13},
    {"NAY", 12},  {"CAM", 9},  {"BCS", 8},  {"COL", 7},  {NULL, 0}};
static const struct choice languages[] = {
    {"es-MX", 90}, {"es-419", 5}, {"en-US", 3}, {"es-US", 2}, {NULL, 0}};

/* What taps links, and how often, in parts of a thousand. */
static const struct client {
    unsigned parts;
    enum tap_kind kind;
    enum tap_platform platform;
    const char *browser;
    const char *in_app;
    const char *referrer;
} clients[] = {
    {420, TAP_KIND_HUMAN, TAP_PLATFORM_ANDROID, "chrome", "", ""},
    {80, TAP_KIND_HUMAN, TAP_PLATFORM_ANDROID, "samsung", "", ""},
    {130, TAP_KIND_HUMAN, TAP_PLATFORM_IOS, "safari", "", ""},
    {80, TAP_KIND_HUMAN, TAP_PLATFORM_ANDROID, "chrome", "facebook", ""},
    {20, TAP_KIND_HUMAN, TAP_PLATFORM_ANDROID, "chrome", "facebook", "l.facebook.com"},
    {55, TAP_KIND_HUMAN, TAP_PLATFORM_ANDROID, "chrome", "instagram", "l.instagram.com"},
    {25, TAP_KIND_HUMAN, TAP_PLATFORM_IOS, "safari", "instagram", "l.instagram.com"},
    {15, TAP_KIND_HUMAN, TAP_PLATFORM_IOS, "safari", "facebook", ""},
    {30, TAP_KIND_HUMAN, TAP_PLATFORM_ANDROID, "chrome", "tiktok", ""},
    {20, TAP_KIND_HUMAN, TAP_PLATFORM_WINDOWS, "chrome", "", ""},
    {6, TAP_KIND_HUMAN, TAP_PLATFORM_WINDOWS, "edge", "", ""},
    {4, TAP_KIND_HUMAN, TAP_PLATFORM_MACOS, "safari", "", ""},
    {8, TAP_KIND_HUMAN, TAP_PLATFORM_ANDROID, "opera", "", ""},
    {7, TAP_KIND_HUMAN, TAP_PLATFORM_ANDROID, "firefox", "", ""},
    {70, TAP_KIND_PREVIEW, TAP_PLATFORM_OTHER, "whatsapp", "", ""},
    {10, TAP_KIND_PREVIEW, TAP_PLATFORM_OTHER, "facebook", "", ""},
    {15, TAP_KIND_BOT, TAP_PLATFORM_OTHER, "googlebot", "", ""},
    {5, TAP_KIND_HEAD, TAP_PLATFORM_OTHER, "curl", "", ""},
    {0, TAP_KIND_HUMAN, TAP_PLATFORM_OTHER, NULL, NULL, NULL},
};

static uint64_t next_random(uint64_t *state) {
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static const char *choose(const struct choice *choices, uint64_t *state) {
    unsigned all = 0;
    for (const struct choice *choice = choices; choice->word != NULL; choice++) {
        all += choice->parts;
    }
    ENSURE(all > 0);
    unsigned left = (unsigned)(next_random(state) % all);
    const struct choice *choice = choices;
    while (left >= choice->parts) {
        left -= choice->parts;
        choice++;
    }
    return choice->word;
}

static void describe(struct click *click, struct made_texts *store, uint64_t *state) {
    unsigned left = (unsigned)(next_random(state) % 1000);
    const struct client *client = clients;
    while (left >= client->parts) {
        left -= client->parts;
        client++;
    }
    bool is_person = client->kind == TAP_KIND_HUMAN;
    bool is_abroad = client->kind == TAP_KIND_BOT || next_random(state) % 100 < 3;
    click->kind = client->kind;
    click->platform = client->platform;
    click->outcome = client->platform == TAP_PLATFORM_ANDROID ? TAP_OUTCOME_PLAY_STORE
                     : client->platform == TAP_PLATFORM_IOS   ? TAP_OUTCOME_APP_STORE
                                                              : TAP_OUTCOME_WEB;
    click->text[CLICK_RULE] = click->platform == TAP_PLATFORM_ANDROID ? SLICE("android")
                              : click->platform == TAP_PLATFORM_IOS   ? SLICE("ios")
                                                                      : SLICE("web");
    click->text[CLICK_AGENT] = slice_of(is_person ? "" : client->browser);
    click->text[CLICK_COUNTRY] = slice_of(is_abroad ? "US" : "MX");
    click->text[CLICK_REGION] = slice_of(is_abroad ? "CA" : choose(regions, state));
    click->text[CLICK_BROWSER] = slice_of(client->browser);
    click->text[CLICK_IN_APP] = slice_of(client->in_app);
    click->text[CLICK_LANGUAGE] = slice_of(is_person ? choose(languages, state) : "");
    click->text[CLICK_REFERRER] = slice_of(client->referrer);
    store->source[0] = '\0';
    if (is_person && next_random(state) % 100 == 0) {
        snprintf(store->source, sizeof(store->source), "flyer-%u",
                 (unsigned)(next_random(state) % 20));
    }
    click->text[CLICK_SOURCE] = slice_of(store->source);
}

/* Seven characters, as link codes are made (link/code.h), without the check character. */
static void name_link(uint64_t link, char code[24]) {
    uint64_t number = next_random(&link);
    for (size_t i = 0; i < CODE_MADE_BYTES; i++) {
        code[i] = CODE_ALPHABET[number % (sizeof(CODE_ALPHABET) - 1)];
        number /= sizeof(CODE_ALPHABET) - 1;
    }
    code[CODE_MADE_BYTES] = '\0';
}

struct click made_click(uint64_t sequence, uint64_t links, uint64_t at_ms,
                        struct made_texts *store) {
    struct click click = {.at_ms = at_ms, .version = CLICK_VERSION};
    uint64_t state = sequence * 1000003;
    uint64_t link =
        links <= MADE_LINKS_AT_RANDOM_MAX ? next_random(&state) % links : sequence % links;
    uint64_t person = next_random(&state) % PEOPLE;
    click.visitor = next_random(&person);
    click.network = next_random(&person);
    for (unsigned i = 0; i < ULID_BYTES; i += 8) {
        uint64_t bits = next_random(&state);
        memcpy(click.id.bytes + i, &bits, 8);
    }
    name_link(link, store->code);
    snprintf(store->campaign, sizeof(store->campaign), "campaign-%02u",
             (unsigned)(link % CAMPAIGNS));
    click.text[CLICK_CODE] = slice_of(store->code);
    click.text[CLICK_CAMPAIGN] = slice_of(store->campaign);
    click.text[CLICK_OWNER] = SLICE("ana");
    describe(&click, store, &state);
    return click;
}
