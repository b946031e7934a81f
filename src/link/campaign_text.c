/*
 * link/campaign_text.c - a campaign as lines of text, to be kept in a file.
 *
 *   id spring
 *   web https://www.example.com/?c={code}
 *
 * No value that passed its check holds a line break, so a line is a field. What is read back is
 * checked like what Redis says: a file can be edited, too.
 */
#include <inttypes.h>

#include "base/buf.h"
#include "link/campaign.h"
#include "link/code.h"

static bool append_line(struct buf *out, const char *name, struct slice value) {
    return value.size == 0 || (buf_append(out, slice_of(name)) && buf_append_char(out, ' ') &&
                               buf_append(out, value) && buf_append_char(out, '\n'));
}

static bool append_seconds(struct buf *out, enum campaign_field field, uint64_t seconds) {
    return seconds == 0 || buf_printf(out, "%s %" PRIu64 "\n", campaign_field_name(field), seconds);
}

bool campaign_write(const struct campaign *campaign, struct buf *out) {
    bool fits = append_line(out, "id", campaign->id);
    for (unsigned i = 0; i < CAMPAIGN_FIELD_COUNT && fits; i++) {
        fits = append_line(out, campaign_field_name((enum campaign_field)i), campaign->text[i]);
    }
    const char *status = campaign_field_name(CAMPAIGN_FIELD_STATUS);
    return fits && append_seconds(out, CAMPAIGN_FIELD_STARTS_AT, campaign->starts_at) &&
           append_seconds(out, CAMPAIGN_FIELD_EXPIRES_AT, campaign->expires_at) &&
           append_line(out, status,
                       campaign->status == LINK_PAUSED ? SLICE("paused") : SLICE("active"));
}

struct campaign *campaign_read(struct slice text, struct slice hosts) {
    struct slice values[CAMPAIGN_FIELD_COUNT] = {{0}};
    struct slice id = SLICE_EMPTY;
    while (text.size > 0) {
        struct slice value = slice_split(&text, '\n');
        struct slice name = slice_split(&value, ' ');
        if (slice_equal(name, SLICE("id"))) {
            id = value;
        }
        for (unsigned i = 0; i < CAMPAIGN_FIELD_COUNT; i++) {
            if (slice_equal(name, slice_of(campaign_field_name((enum campaign_field)i)))) {
                values[i] = value;
            }
        }
    }
    return code_is_valid(id) ? campaign_create(id, values, hosts) : NULL;
}
