/* Reads a profile as far as a plan asks, and writes its document (contract.md#the-request).
 *
 * The parts `segmentMembership` and `identityMap` are written as they are read, behind one another, into the first half
 * of a room; the document follows in the second half once all of the profile is read.
 */
#ifndef EXPORTER_DOCUMENT_H
#define EXPORTER_DOCUMENT_H

#include "parts.h"

/* The members of an object on a mapped path, the steps of which are `parent`'s; `p` is behind the brace.
 *
 * Values are noted in the plan: of the last step as they are, of others that there was one, since a second is odd.
 */
static const byte *read_object(Document *doc, const byte *p, const byte *end, uint32_t parent) {
    Plan *plan = doc->plan;
    Text key;
    Next next;
    for (bool first = true; (next = next_member(&p, end, first, &key)) == THERE; first = false) {
        const byte *begin = p;
        if (parent == ATTRIBUTES && IS(key, "segmentMembership")) {
            if (doc->memberships.at != NULL) return NULL;
            doc->memberships.at = begin;
            p = read_memberships(doc, p, end);
        } else if (parent == ATTRIBUTES && IS(key, "identityMap")) {
            if (doc->identities.at != NULL) return NULL;
            doc->identities.at = begin;
            p = read_identities(doc, p, end);
        } else {
            uint32_t step = child_of(plan, parent, key);
            if (step != 0 && plan->picked[step].at != NULL) return NULL;
            if (step != 0 && plan->nodes[step].first != 0 && peek(p, end) == '{') {
                p = read_object(doc, p + 1, end, step);
            } else {
                p = skip_value(p, end);
            }
            if (step != 0 && p != NULL) plan->picked[step] = (Text){begin, (size_t)(p - begin)};
        }
        if (p == NULL) return NULL;
    }
    return next == ODD ? NULL : p;
}

/* Write what was noted below `parent`, in the order of the plan, without what is nothing or comes to nothing. */
static void put_attributes(const Plan *plan, uint32_t parent, Out *out, bool *none) {
    for (uint32_t step = plan->nodes[parent].first; step != 0; step = plan->nodes[step].next) {
        const Node *node = &plan->nodes[step];
        Text value = plan->picked[step];
        if (value.at == NULL || (node->first == 0 && is_nothing(value))) continue;
        byte *before = out->at;
        bool none_before = *none;
        put_comma(out, none);
        put(out, node->written.at, node->written.length);
        if (node->first == 0) {
            put(out, value.at, value.length);
            continue;
        }
        bool empty = true;
        PUT(out, "{");
        put_attributes(plan, step, out, &empty);
        PUT(out, "}");
        if (empty) {
            out->at = before;
            *none = none_before;
        }
    }
}

static void put_part(Out *out, bool *none, const char *name, size_t length, Text part) {
    if (part.length == 0) return;
    put_comma(out, none);
    put(out, name, length);
    put(out, part.at, part.length);
    PUT(out, "}");
}
#define PUT_PART(out, none, name, part) put_part((out), (none), (name), sizeof(name) - 1, (part))

/* Read a profile, which begins at `p`, and write its document. */
static const byte *read_profile(Document *doc, const byte *p, const byte *end) {
    Plan *plan = doc->plan;
    if (peek(p, end) != '{') return NULL;
    memset(plan->picked, 0, plan->picks * sizeof(Text));
    p = read_object(doc, p + 1, end, ATTRIBUTES);
    if (p == NULL) return NULL;
    bool none = true;
    Out *out = &doc->whole;
    PUT(out, "{");
    put_attributes(plan, ATTRIBUTES, out, &none);
    PUT_PART(out, &none, "\"segmentMembership\":{", doc->memberships);
    PUT_PART(out, &none, "\"identityMap\":{", doc->identities);
    PUT(out, "}");
    return out->full || doc->parts.full ? NULL : p;
}

#endif
