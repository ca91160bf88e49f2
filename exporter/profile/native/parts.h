/* The parts `segmentMembership` and `identityMap` of a document: written as they are read (contract.md#the-request). */
#ifndef EXPORTER_PARTS_H
#define EXPORTER_PARTS_H

#include "names.h"
#include "plan.h"

#define FEW_NAMESPACES 64

/* Where is written. What does not fit makes it `full`, and the rest is left out. */
typedef struct {
    byte *at, *end;
    bool full;
} Out;

typedef struct {
    Plan *plan;
    Out parts, whole;
    Text memberships, identities; /* within the parts */
    bool is_member;               /* in at least one mapped segment */
} Document;

static inline void put(Out *out, const void *bytes, size_t length) {
    if ((size_t)(out->end - out->at) < length) {
        out->full = true;
    } else {
        memcpy(out->at, bytes, length);
        out->at += length;
    }
}
#define PUT(out, literal) put((out), (literal), sizeof(literal) - 1)

/* A comma, unless this is the first. */
static inline void put_comma(Out *out, bool *first) {
    if (!*first) PUT(out, ",");
    *first = false;
}

/* A string that needed no escape when it was read, so that it needs none now. */
static inline void put_string(Out *out, Text text) {
    PUT(out, "\"");
    put(out, text.at, text.length);
    PUT(out, "\"");
}

static inline bool is_null(Text value) { return IS(value, "null"); }

/* Null and an empty object, which are not sent as an attribute. */
static inline bool is_nothing(Text value) {
    if (value.at[0] != '{') return is_null(value);
    return skip_blanks(value.at + 1, value.at + value.length) == value.at + value.length - 1;
}

/* -- memberships */

/* A membership of the mapped segment `segment`, or of another (0). `none`: whether none of its namespace is written. */
static const byte *read_membership(
    Document *doc, const byte *p, const byte *end, Text id, uint32_t segment, bool *none
) {
    const Plan *plan = doc->plan;
    Text key, time = {0}, status = {0};
    bool timed = false, stated = false;
    Next next;
    for (bool first = true; (next = next_member(&p, end, first, &key)) == THERE; first = false) {
        if (IS(key, "status")) {
            if (stated) return NULL;
            stated = true;
            p = read_text_or_null(p, end, &status);
        } else if (IS(key, "lastQualificationTime")) {
            if (timed) return NULL;
            timed = true;
            p = read_text_or_null(p, end, &time);
        } else {
            p = skip_value(p, end);
        }
        if (p == NULL) return NULL;
    }
    if (next == ODD) return NULL;
    if (segment != 0 && status.at != NULL && (IS(status, "realized") || IS(status, "existing"))) doc->is_member = true;
    if (segment == 0 && plan->switches & ONLY_MAPPED) return p;
    Text added = plan->nodes[segment].written;
    if (time.at == NULL && status.at == NULL && added.length == 0) return p;
    Out *out = &doc->parts;
    bool first = true;
    put_comma(out, none);
    put_string(out, id);
    PUT(out, ":{");
    if (time.at != NULL) {
        first = false;
        PUT(out, "\"lastQualificationTime\":");
        put_string(out, time);
    }
    if (status.at != NULL) {
        put_comma(out, &first);
        PUT(out, "\"status\":");
        put_string(out, status);
    }
    if (added.length != 0) {
        put_comma(out, &first);
        put(out, added.at, added.length);
    }
    PUT(out, "}");
    return p;
}

/* What stands under a namespace; `p` is behind the bracket. `none`: whether none was written. */
typedef const byte *ReadNamespace(Document *doc, const byte *p, const byte *end, Text namespace, bool *none);

/* Whether `key` is new among the `count` before it, and was noted. */
static inline bool add_namespace(Text *keys, size_t *count, Text key) {
    if (*count == FEW_NAMESPACES) return false;
    for (size_t each = 0; each < *count; each++)
        if (keys[each].length == key.length && memcmp(keys[each].at, key.at, key.length) == 0) return false;
    keys[(*count)++] = key;
    return true;
}

/* A map of namespaces, each with what `read` reads of it, or null; `opening` is its bracket. What is left of them is
 * `written`. */
static inline const byte *read_namespaces(Document *doc, const byte *p, const byte *end, byte opening,
                                          ReadNamespace *read, Text *written) {
    if (peek(p, end) != '{') return SKIP_WORD(p, end, "null");
    const byte closing = opening == '{' ? '}' : ']';
    Text keys[FEW_NAMESPACES], key;
    size_t count = 0;
    Next next;
    Out *out = &doc->parts;
    byte *begin = out->at;
    bool none = true;
    p++;
    for (bool first = true; (next = next_member(&p, end, first, &key)) == THERE; first = false) {
        if (!add_namespace(keys, &count, key)) return NULL;
        if (peek(p, end) == opening) {
            byte *before = out->at;
            bool none_before = none, empty = true;
            put_comma(out, &none);
            put_string(out, key);
            PUT(out, ":");
            put(out, &opening, 1);
            p = read(doc, p + 1, end, key, &empty);
            put(out, &closing, 1);
            if (empty) {
                out->at = before;
                none = none_before;
            }
        } else {
            p = SKIP_WORD(p, end, "null");
        }
        if (p == NULL) return NULL;
    }
    *written = (Text){begin, (size_t)(out->at - begin)};
    return next == ODD ? NULL : p;
}

static const byte *read_members(Document *doc, const byte *p, const byte *end, Text namespace, bool *none) {
    const uint32_t mapped = child_of(doc->plan, SEGMENTS, namespace);
    Names ids;
    Text id;
    Next next;
    ids.count = 0;
    for (bool first = true; (next = next_member(&p, end, first, &id)) == THERE; first = false) {
        if (!names_add(&ids, id)) return NULL;
        if (peek(p, end) == '{') {
            uint32_t segment = mapped == 0 ? 0 : child_of(doc->plan, mapped, id);
            p = read_membership(doc, p + 1, end, id, segment, none);
        } else {
            p = SKIP_WORD(p, end, "null");
        }
        if (p == NULL) return NULL;
    }
    return next == ODD ? NULL : p;
}

static const byte *read_memberships(Document *doc, const byte *p, const byte *end) {
    return read_namespaces(doc, p, end, '{', read_members, &doc->memberships);
}

/* -- identities */

/* An identity; `p` is behind the brace. Its `id` comes first, then the other fields as the plan has them. */
static const byte *read_identity(Document *doc, const byte *p, const byte *end, bool *none) {
    const Plan *plan = doc->plan;
    const uint32_t fields = plan->nodes[IDENTITY_FIELDS].first;
    Text key, id = {0};
    bool named = false;
    Next next;
    for (uint32_t field = fields; field != 0; field = plan->nodes[field].next) plan->picked[field].at = NULL;
    for (bool first = true; (next = next_member(&p, end, first, &key)) == THERE; first = false) {
        if (IS(key, "id")) {
            if (named) return NULL;
            named = true;
            p = read_text_or_null(p, end, &id);
        } else {
            const byte *begin = p;
            uint32_t field = child_of(plan, IDENTITY_FIELDS, key);
            p = skip_value(p, end);
            if (field != 0 && p != NULL) {
                if (plan->picked[field].at != NULL) return NULL;
                plan->picked[field] = (Text){begin, (size_t)(p - begin)};
            }
        }
        if (p == NULL) return NULL;
    }
    if (next == ODD) return NULL;
    Out *out = &doc->parts;
    byte *before = out->at;
    bool none_before = *none, first = true;
    put_comma(out, none);
    PUT(out, "{");
    if (id.at != NULL) {
        first = false;
        PUT(out, "\"id\":");
        put_string(out, id);
    }
    for (uint32_t field = fields; field != 0; field = plan->nodes[field].next) {
        Text value = plan->picked[field];
        if (value.at == NULL || is_null(value)) continue;
        put_comma(out, &first);
        put(out, plan->nodes[field].written.at, plan->nodes[field].written.length);
        put(out, value.at, value.length);
    }
    PUT(out, "}");
    if (first) {
        out->at = before;
        *none = none_before;
    }
    return p;
}

static const byte *read_list(Document *doc, const byte *p, const byte *end, Text namespace, bool *none) {
    Next next;
    (void)namespace; /* all have the same fields */
    for (bool first = true; (next = next_element(&p, end, first)) == THERE; first = false) {
        p = peek(p, end) == '{' ? read_identity(doc, p + 1, end, none) : SKIP_WORD(p, end, "null");
        if (p == NULL) return NULL;
    }
    return next == ODD ? NULL : p;
}

static const byte *read_identities(Document *doc, const byte *p, const byte *end) {
    return read_namespaces(doc, p, end, '[', read_list, &doc->identities);
}

#endif
