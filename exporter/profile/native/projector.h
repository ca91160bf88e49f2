/* The projector: an event of the queue, and what a destination takes, to whether it is exported, and as what.
 *
 * One pass over the event. Whatever the Python code treats in a way of its own is `UNUSUAL`, and left to it: that code
 * is the definition, and for all else the outcome is the same, byte for byte.
 */
#ifndef EXPORTER_PROJECTOR_H
#define EXPORTER_PROJECTOR_H

#include "changes.h"
#include "document.h"
#include "times.h"

/* What is exported. Texts stand in the event, the document in the room. */
typedef struct {
    Text profile_id, id, joined; /* `joined` is a list as it stands there; nothing if absent or null */
    double occurred_at;
    bool timed;
    Text document;
} Projection;

/* An event as far as it is read. */
typedef struct {
    Document doc;
    Text id, profile_id, destination, occurred_at, joined; /* the time is a string with its quotes, or a number */
    const byte *profile;
    Fires fires;
    bool gated, built;
} Event;

/* A time, null, or nothing that is read here. */
static const byte *read_any_time(const byte *p, const byte *end, Text *time) {
    Text text;
    const byte *begin = p, first = peek(p, end);
    if (first == 'n') return SKIP_WORD(p, end, "null");
    p = first == '"' ? read_text(p, end, &text) : skip_number(p, end);
    if (p != NULL) *time = (Text){begin, (size_t)(p - begin)};
    return p;
}

/* The members of an event, behind the brace. `enveloped`: whether it is the data of a CloudEvent; if it is not, and
 * turns out to be one itself, `envelope` is set. */
static const byte *read_event(Event *event, const byte *p, const byte *end, bool enveloped, bool *envelope) {
    enum { ID = 1, PROFILE_ID = 2, OCCURRED_AT = 4, DESTINATION = 8, CHANGES = 16, PROFILE = 32 };
    const Plan *plan = event->doc.plan;
    Text key;
    int seen = 0;
    Next next;
    for (bool first = true; (next = next_member(&p, end, first, &key)) == THERE; first = false) {
        int field = IS(key, "id")            ? ID
                    : IS(key, "profileId")   ? PROFILE_ID
                    : IS(key, "changes")     ? CHANGES
                    : IS(key, "profile")     ? PROFILE
                    : IS(key, "occurredAt")  ? OCCURRED_AT
                    : IS(key, "destination") ? DESTINATION
                                             : 0;
        if (seen & field) return NULL;
        seen |= field;
        switch (field) {
            case ID: p = read_text_or_null(p, end, &event->id); break;
            case PROFILE_ID: p = read_text(p, end, &event->profile_id); break;
            case DESTINATION: p = read_text_or_null(p, end, &event->destination); break;
            case CHANGES: p = read_changes(plan, p, end, &event->fires, &event->joined); break;
            case OCCURRED_AT: p = read_any_time(p, end, &event->occurred_at); break;
            case PROFILE:
                event->profile = p;
                event->built = seen & CHANGES && decide(plan, event->destination, event->fires, &event->gated) == FIRED;
                p = event->built ? read_profile(&event->doc, p, end) : skip_value(p, end);
                break;
            default:
                if (!enveloped && IS(key, "specversion")) {
                    *envelope = true;
                    return NULL;
                }
                p = skip_value(p, end);
                break;
        }
        if (p == NULL) return NULL;
    }
    return next == ODD ? NULL : p;
}

static bool is_version(Text text) {
    const byte *p = text.at, *end = p + text.length;
    if (text.length < 3 || memcmp(p, "1.0", 3) != 0) return false;
    return text.length == 3 || (p[3] == '.' && skip_digits(p + 4, end) == end);
}

/* The members of a CloudEvent, behind the brace: an event in `data`, which may lack ids and time. */
static const byte *read_envelope(Event *event, const byte *p, const byte *end) {
    enum { ID = 1, SUBJECT = 2, TIME = 4, DATA = 8, VERSION = 16 };
    Text key, id = {0}, subject = {0}, time = {0}, version = {0};
    const byte *data = NULL;
    int seen = 0;
    Next next;
    for (bool first = true; (next = next_member(&p, end, first, &key)) == THERE; first = false) {
        int field = IS(key, "id")            ? ID
                    : IS(key, "subject")     ? SUBJECT
                    : IS(key, "time")        ? TIME
                    : IS(key, "data")        ? DATA
                    : IS(key, "specversion") ? VERSION
                                             : 0;
        if (seen & field) return NULL;
        seen |= field;
        switch (field) {
            case ID: p = read_text_or_null(p, end, &id); break;
            case SUBJECT: p = read_text_or_null(p, end, &subject); break;
            case TIME: p = read_any_time(p, end, &time); break;
            case VERSION: p = read_text(p, end, &version); break;
            case DATA: data = p; /* fall through */
            default: p = skip_value(p, end); break;
        }
        if (p == NULL) return NULL;
    }
    bool none;
    if (next == ODD || version.at == NULL || !is_version(version) || data == NULL || *data != '{') return NULL;
    if (read_event(event, data + 1, end, true, &none) == NULL) return NULL;
    if (event->id.at == NULL) event->id = id;
    if (event->profile_id.at == NULL) event->profile_id = subject;
    if (event->occurred_at.at == NULL) event->occurred_at = time;
    return p;
}

/* Whether the time that is given can be read. */
static bool read_occurred_at(Text given, Projection *found) {
    if (given.at == NULL) return true;
    found->timed = true;
    if (given.at[0] != '"') return read_moment(given, &found->occurred_at);
    return read_time((Text){given.at + 1, given.length - 2}, &found->occurred_at);
}

/* So many bytes of room does an event of `length` bytes need for its document. */
static inline size_t room_for(const Plan *plan, size_t length) { return 2 * (length + plan->added); }

/* What becomes of the event in `bytes`. `found` is whole where it is FIRED; its document stands in `room`, which has
 * `size` bytes. */
static Verdict project(Plan *plan, const byte *bytes, size_t length, byte *room, size_t size, Projection *found) {
    const byte *end = bytes + length, *begin = skip_blanks(bytes, end);
    if (length > plan->most_bytes || peek(begin, end) != '{') return UNUSUAL;
    begin++;
    byte *half = room + size / 2;
    const Event empty = {.doc = {.plan = plan, .parts = {room, half, false}, .whole = {half, room + size, false}}};
    Event event = empty;
    bool envelope = false;
    const byte *p = read_event(&event, begin, end, false, &envelope);
    if (envelope) {
        event = empty;
        p = read_envelope(&event, begin, end);
    }
    if (p == NULL || skip_blanks(p, end) != end || event.profile == NULL || *event.profile != '{') return UNUSUAL;
    if (event.profile_id.length == 0 || (event.id.at != NULL && event.id.length == 0)) return UNUSUAL;
    Verdict verdict = decide(plan, event.destination, event.fires, &event.gated);
    if (verdict != FIRED) return verdict;
    if (!event.built && read_profile(&event.doc, event.profile, end) == NULL) return UNUSUAL;
    if (event.gated && !event.doc.is_member) return NOT_A_MEMBER;
    *found = (Projection){.profile_id = event.profile_id, .id = event.id, .joined = event.joined};
    if (!read_occurred_at(event.occurred_at, found)) return UNUSUAL;
    found->document = (Text){half, (size_t)(event.doc.whole.at - half)};
    return FIRED;
}

#endif
