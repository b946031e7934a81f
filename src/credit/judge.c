/*
 * judge.c - see credit/judge.h.
 */
#include "credit/judge.h"

#include "base/defs.h"
#include "click/token.h"

enum { MS_PER_S = 1000, HEXADECIMAL_DIGITS = 16 };

const char *credit_status_name(enum credit_status status) {
#define NAME(name, text) [CREDIT_##name] = (text),
    static const char *const names[] = {CREDIT_STATUSES(NAME)};
#undef NAME
    ENSURE((unsigned)status < CREDIT_STATUS_COUNT);
    return names[status];
}

/* ---- the token ---- */

static struct judge_proof prove_open(const struct conversion *conversion,
                                     const struct judge_click *click, const struct token_key *key) {
    struct slice reported = conversion->text[CONVERSION_TEXT_CODE];
    struct slice code = reported.size > 0 || click == NULL ? reported : click->code;
    struct ulid id;
    if (key == NULL || code.size == 0) {
        return (struct judge_proof){.status = CREDIT_UNVERIFIED, .code = reported};
    }
    if (!token_verify(key, conversion->text[CONVERSION_TEXT_CLICK], code, &id)) {
        return (struct judge_proof){.status = CREDIT_FORGED, .code = reported};
    }
    return (struct judge_proof){.status = CREDIT_VERIFIED, .code = code, .has_click = true};
}

struct judge_proof judge_prove(const struct conversion *conversion, const struct judge_click *click,
                               const struct token_key *key) {
    struct judge_proof proof = {.code = conversion->text[CONVERSION_TEXT_CODE]};
    switch (conversion->proof) {
    case CONVERSION_VERIFIED:
        /* Without the id of a click it proves nothing, whoever wrote that. */
        proof.status = conversion->has_click_id ? CREDIT_VERIFIED : CREDIT_UNVERIFIED;
        proof.has_click = conversion->has_click_id;
        break;
    case CONVERSION_UNVERIFIED:
        proof.status = CREDIT_UNVERIFIED;
        break;
    case CONVERSION_FORGED:
        proof.status = CREDIT_FORGED;
        break;
    case CONVERSION_OPEN:
        proof = prove_open(conversion, click, key);
        break;
    case CONVERSION_PROOF_COUNT:
        ENSURE(false && "a proof that is not in enum conversion_proof");
        break;
    }
    return proof;
}

/* ---- the checks ---- */

/* Whole seconds from one time to another; negative when it is before. */
static int64_t seconds_between(uint64_t from_ms, uint64_t to_ms) {
    return (int64_t)(to_ms / MS_PER_S) - (int64_t)(from_ms / MS_PER_S);
}

static bool is_injected(const struct judge_input *input, bool has_click, uint64_t click_ms) {
    const struct conversion *conversion = input->conversion;
    int64_t allowed_s = input->checks->click_after_install_s;
    uint64_t begin_ms = conversion->install_begin_ms;
    if (begin_ms == 0 || input->checks->click_after_install_s == UINT32_MAX) {
        return false;
    }
    return (has_click && seconds_between(begin_ms, click_ms) > allowed_s) ||
           (conversion->referrer_click_ms != 0 &&
            seconds_between(begin_ms, conversion->referrer_click_ms) > allowed_s);
}

static bool is_own(const struct judge_input *input) {
    struct slice user = input->conversion->text[CONVERSION_TEXT_USER];
    struct slice owner =
        input->click != NULL && input->click->owner.size > 0 ? input->click->owner : input->owner;
    return input->checks->own_link && user.size > 0 && slice_equal(user, owner);
}

unsigned judge_reasons(const struct judge_input *input) {
    const struct conversion *conversion = input->conversion;
    const struct checks *checks = input->checks;
    bool has_click = input->status == CREDIT_VERIFIED && conversion->has_click_id;
    uint64_t click_ms = has_click ? ulid_unix_ms(&conversion->click_id) : 0;
    int64_t after_s = has_click ? seconds_between(click_ms, conversion->happened_ms) : 0;
    bool is_install = slice_equal(conversion->text[CONVERSION_TEXT_EVENT], SLICE("install"));
    unsigned reasons = 0;
    if (input->status == CREDIT_FORGED) {
        return 0;
    }
    if (is_injected(input, has_click, click_ms)) {
        reasons |= 1u << CHECK_CLICK_AFTER_INSTALL;
    }
    if (has_click && checks->too_soon_s != UINT32_MAX && after_s < (int64_t)checks->too_soon_s) {
        reasons |= 1u << CHECK_TOO_SOON;
    }
    if (has_click && is_install && checks->too_late_s != UINT32_MAX &&
        after_s > (int64_t)checks->too_late_s) {
        reasons |= 1u << CHECK_TOO_LATE;
    }
    if (is_own(input)) {
        reasons |= 1u << CHECK_OWN_LINK;
    }
    return reasons;
}

/* ---- the rest ---- */

bool judge_is_event(struct slice event, struct slice events) {
    static const struct slice known[] = {{"install", 7}, {"signup", 6}, {"first_loan", 10}};
    if (!conversion_event_is_name(event)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (slice_equal(event, known[i])) {
            return true;
        }
    }
    while (events.size > 0) {
        if (slice_equal(slice_split(&events, ' '), event)) {
            return true;
        }
    }
    return false;
}

uint64_t judge_happened_ms(const struct conversion *conversion) {
    return conversion->happened_ms < conversion->at_ms ? conversion->happened_ms
                                                       : conversion->at_ms;
}

bool judge_is_known(struct slice hexadecimal) {
    bool is_zero = true;
    for (size_t i = 0; i < hexadecimal.size; i++) {
        char c = hexadecimal.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
        is_zero = is_zero && c == '0';
    }
    return hexadecimal.size == HEXADECIMAL_DIGITS && !is_zero;
}
