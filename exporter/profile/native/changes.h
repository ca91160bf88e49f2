/* What an event says has changed, and the verdict on that for a destination (contract.md#triggers). */
#ifndef EXPORTER_CHANGES_H
#define EXPORTER_CHANGES_H

#include "plan.h"

typedef enum { UNUSUAL = -1, NO_TRIGGER, SWITCHED_OFF, NOT_A_MEMBER, OTHER_DESTINATION, FIRED } Verdict;

/* What an event says has changed. */
typedef struct {
    bool segment, identity, attribute, backfill;
} Fires;

static inline int status_of(Text text) {
    if (IS(text, "realized")) return 0;
    if (IS(text, "existing")) return 1;
    return IS(text, "exited") ? 2 : -1;
}

/* An entry of `changes.segments`. */
static const byte *read_segment(const Plan *plan, const byte *p, const byte *end, bool *fires) {
    enum { ID = 1, TO = 2, FROM = 4, NAMESPACE = 8 };
    Text key, id = {0}, namespace = {(const byte *)"ups", 3};
    int seen = 0, before = BEFORE_UNKNOWN, to = -1;
    Next next;
    if (peek(p, end) != '{') return NULL;
    p++;
    for (bool first = true; (next = next_member(&p, end, first, &key)) == THERE; first = false) {
        int field = IS(key, "id")          ? ID
                    : IS(key, "to")        ? TO
                    : IS(key, "from")      ? FROM
                    : IS(key, "namespace") ? NAMESPACE
                                           : 0;
        Text text = {0};
        if (seen & field) return NULL;
        seen |= field;
        p = field == 0 ? skip_value(p, end) : read_text_or_null(p, end, &text);
        if (p == NULL) return NULL;
        if (field == ID) {
            id = text;
        } else if (field == NAMESPACE && text.at != NULL) {
            namespace = text;
        } else if (field == TO && text.at != NULL) {
            to = status_of(text);
        } else if (field == FROM) {
            before = text.at == NULL ? BEFORE_NULL : BEFORE_STATUS + status_of(text);
            if (text.at != NULL && before < BEFORE_STATUS) return NULL;
        }
    }
    if (next == ODD || id.at == NULL || to < 0) return NULL;
    if (plan->fires[before * STATUSES + to]) {
        uint32_t mapped = child_of(plan, SEGMENTS, namespace);
        if (mapped != 0 && child_of(plan, mapped, id) != 0) *fires = true;
    }
    return p;
}

/* Whether the path `written` is mapped, or stands above or below a mapped one. */
static bool is_mapped(const Plan *plan, Text written) {
    uint32_t node = ATTRIBUTES;
    const byte *at = written.at, *end = at + written.length;
    for (;;) {
        const byte *dot = memchr(at, '.', (size_t)(end - at));
        node = child_of(plan, node, (Text){at, (size_t)((dot == NULL ? end : dot) - at)});
        if (node == 0) return false;
        if (dot == NULL || plan->nodes[node].first == 0) return true;
        at = dot + 1;
    }
}

/* What is done with each string of a list. */
typedef void (*Each)(const Plan *plan, Text text, bool *fires);

static void note_path(const Plan *plan, Text text, bool *fires) {
    if (!*fires) *fires = is_mapped(plan, text);
}

static void note_any(const Plan *plan, Text text, bool *fires) {
    (void)plan, (void)text;
    *fires = true;
}

static const byte *read_texts(const Plan *plan, const byte *p, const byte *end, Each each, bool *fires) {
    Text text;
    Next next;
    if (peek(p, end) != '[') return SKIP_WORD(p, end, "null");
    p++;
    for (bool first = true; (next = next_element(&p, end, first)) == THERE; first = false) {
        if ((p = read_text(p, end, &text)) == NULL) return NULL;
        each(plan, text, fires);
    }
    return next == ODD ? NULL : p;
}

static const byte *read_flag(const byte *p, const byte *end, bool *flag) {
    switch (peek(p, end)) {
        case 't': *flag = true; return SKIP_WORD(p, end, "true");
        case 'f': return SKIP_WORD(p, end, "false");
        default: return SKIP_WORD(p, end, "null");
    }
}

static const byte *read_segments(const Plan *plan, const byte *p, const byte *end, bool *fires) {
    Next next;
    if (peek(p, end) != '[') return SKIP_WORD(p, end, "null");
    p++;
    for (bool first = true; (next = next_element(&p, end, first)) == THERE; first = false)
        if ((p = read_segment(plan, p, end, fires)) == NULL) return NULL;
    return next == ODD ? NULL : p;
}

static const byte *read_changes(const Plan *plan, const byte *p, const byte *end, Fires *fires, Text *joined) {
    enum { SEGMENTS_OF = 1, IDENTITIES = 2, PATHS = 4, BACKFILL = 8, JOINED = 16 };
    Text key;
    Next next;
    int seen = 0;
    bool any = false;
    if (peek(p, end) != '{') return SKIP_WORD(p, end, "null");
    p++;
    for (bool first = true; (next = next_member(&p, end, first, &key)) == THERE; first = false) {
        int field = IS(key, "segments")     ? SEGMENTS_OF
                    : IS(key, "attributes") ? PATHS
                    : IS(key, "identities") ? IDENTITIES
                    : IS(key, "backfill")   ? BACKFILL
                    : IS(key, "joined")     ? JOINED
                                            : 0;
        const byte *begin = p;
        if (seen & field) return NULL;
        seen |= field;
        switch (field) {
            case SEGMENTS_OF: p = read_segments(plan, p, end, &fires->segment); break;
            case PATHS: p = read_texts(plan, p, end, note_path, &fires->attribute); break;
            case IDENTITIES:
                p = peek(p, end) == '[' ? read_texts(plan, p, end, note_any, &fires->identity)
                                        : read_flag(p, end, &fires->identity);
                break;
            case BACKFILL: p = read_flag(p, end, &fires->backfill); break;
            case JOINED:
                p = read_texts(plan, p, end, note_any, &any);
                if (p != NULL && any) *joined = (Text){begin, (size_t)(p - begin)};
                break;
            default: p = skip_value(p, end); break;
        }
        if (p == NULL) return NULL;
    }
    return next == ODD ? NULL : p;
}

/* The verdict without the gate, which only `FIRED` can still fail (contract.md#triggers). `gated`: it has to pass. */
static Verdict decide(const Plan *plan, Text destination, Fires fires, bool *gated) {
    if (destination.at != NULL && (destination.length != plan->destination.length ||
                                   memcmp(destination.at, plan->destination.at, destination.length) != 0))
        return OTHER_DESTINATION;
    if (!fires.segment && !fires.identity && !fires.attribute && !fires.backfill) return NO_TRIGGER;
    bool segment = fires.segment && plan->switches & ON_SEGMENT;
    bool other = (fires.identity && plan->switches & ON_IDENTITY) ||
                 (fires.attribute && plan->switches & ON_ATTRIBUTE) || (fires.backfill && plan->switches & ON_BACKFILL);
    *gated = !segment && plan->switches & NEEDS_MEMBER;
    return segment || other ? FIRED : SWITCHED_OFF;
}

#endif
