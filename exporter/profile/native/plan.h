/* What a destination takes, as `plan.py` writes it: switches, and a tree of the keys that are looked for.
 *
 * The tree has three roots: the steps of mapped attributes, the fields of an identity beside `id`, and the mapped
 * segments (namespaces, below them ids). Children are found by one hash table.
 */
#ifndef EXPORTER_PLAN_H
#define EXPORTER_PLAN_H

#include <stdlib.h>

#include "json.h"

enum { ATTRIBUTES, IDENTITY_FIELDS, SEGMENTS, ROOTS };

/* Bits of the switches. The first four are the triggers. */
enum { ON_SEGMENT = 1, ON_IDENTITY = 2, ON_ATTRIBUTE = 4, ON_BACKFILL = 8, NEEDS_MEMBER = 16, ONLY_MAPPED = 32 };

/* Of a status before a change there are five kinds, of one after a change three: none has the index -1. */
enum { BEFORE_UNKNOWN, BEFORE_NULL, BEFORE_STATUS, BEFORE_KINDS = 5, STATUSES = 3 };

#define MOST_STEPS 32
#define LARGEST_PLAN (1u << 28)
#define LARGEST_EVENT (1u << 30)

typedef struct {
    uint32_t parent, hash;
    uint32_t first, last, next; /* children in their order; 0 is none, since no child is a root */
    Text key;                   /* as it stands in an event */
    Text written;               /* `"key":`, or of a segment the members that are added to its entry */
} Node;

typedef struct {
    byte *bytes;
    Node *nodes;
    uint32_t *slots;
    Text *picked; /* of an event: the values of attributes and of an identity's fields, by node */
    uint32_t count, mask, picks;
    uint32_t most_bytes;
    byte switches;
    const byte *fires; /* BEFORE_KINDS times STATUSES */
    Text destination;
    size_t added; /* at most so many bytes does a document have that its event has not */
} Plan;

static inline uint32_t hash_of(uint32_t parent, Text key) {
    const uint64_t factor = 0x9E3779B97F4A7C15u;
    const byte *at = key.at;
    size_t left = key.length;
    uint64_t hash = ((uint64_t)parent << 32 | (uint32_t)left) * factor;
    for (; left >= 8; at += 8, left -= 8) {
        hash = (hash ^ eight(at)) * factor;
        hash ^= hash >> 32;
    }
    uint64_t rest = 0;
    if (left >= 4) {
        uint32_t low, high;
        memcpy(&low, at, 4);
        memcpy(&high, at + left - 4, 4);
        rest = (uint64_t)high << 32 | low;
    } else if (left > 0) {
        rest = (uint64_t)at[0] | (uint64_t)at[left / 2] << 8 | (uint64_t)at[left - 1] << 16;
    }
    hash = (hash ^ rest) * factor;
    return (uint32_t)(hash ^ hash >> 32);
}

/* The child of `parent` with this key; 0 where there is none. */
static inline uint32_t child_of(const Plan *plan, uint32_t parent, Text key) {
    if (plan->nodes[parent].first == 0) return 0;
    uint32_t hash = hash_of(parent, key);
    for (uint32_t slot = hash & plan->mask; plan->slots[slot] != 0; slot = (slot + 1) & plan->mask) {
        const Node *node = &plan->nodes[plan->slots[slot]];
        if (node->hash == hash && node->parent == parent && node->key.length == key.length &&
            memcmp(node->key.at, key.at, key.length) == 0)
            return plan->slots[slot];
    }
    return 0;
}

static inline bool take_number(const byte **at, const byte *end, uint32_t *number) {
    const byte *p = *at;
    if (end - p < 4) return false;
    *number = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    *at = p + 4;
    return true;
}

static inline bool take_text(const byte **at, const byte *end, Text *text) {
    uint32_t length;
    if (!take_number(at, end, &length) || length > (size_t)(end - *at)) return false;
    *text = (Text){*at, length};
    *at += length;
    return true;
}

static void plan_free(Plan *plan) {
    free(plan->bytes);
    free(plan->nodes);
    free(plan->slots);
    free(plan->picked);
    *plan = (Plan){0};
}

/* Nodes in `[at, end)`, each after its parent, and those of a root before those of the next. */
static bool take_nodes(Plan *plan, const byte *at, const byte *end) {
    uint32_t root = ATTRIBUTES;
    for (uint32_t id = ROOTS; id < plan->count; id++) {
        Node *node = &plan->nodes[id];
        if (!take_number(&at, end, &node->parent) || !take_text(&at, end, &node->key) ||
            !take_text(&at, end, &node->written) || node->parent >= id)
            return false;
        uint32_t above = node->parent, steps = 1;
        for (; above >= ROOTS && steps <= MOST_STEPS; steps++) above = plan->nodes[above].parent;
        if (above < root || steps > (above == ATTRIBUTES ? MOST_STEPS : above == SEGMENTS ? 2u : 1u)) return false;
        root = above;
        if (root != SEGMENTS) plan->picks = id + 1;
        if (child_of(plan, node->parent, node->key) != 0) return false;
        bool is_part = IS(node->key, "segmentMembership") || IS(node->key, "identityMap");
        if (node->parent == ATTRIBUTES && is_part) return false;
        node->hash = hash_of(node->parent, node->key);
        uint32_t slot = node->hash & plan->mask;
        while (plan->slots[slot] != 0) slot = (slot + 1) & plan->mask;
        plan->slots[slot] = id;
        Node *parent = &plan->nodes[node->parent];
        if (parent->first == 0) {
            parent->first = id;
        } else {
            plan->nodes[parent->last].next = id;
        }
        parent->last = id;
        plan->added += node->written.length + 4; /* braces and commas */
    }
    return at == end;
}

/* Load what `plan.py` wrote. False where it is no plan, or there is no memory; `plan_free` is right in any case. */
static bool plan_load(Plan *plan, const byte *bytes, size_t length) {
    *plan = (Plan){0};
    if (length > LARGEST_PLAN || (plan->bytes = malloc(length + 1)) == NULL) return false;
    memcpy(plan->bytes, bytes, length);
    const byte *at = plan->bytes, *end = at + length;
    if (length < 1 + BEFORE_KINDS * STATUSES) return false;
    plan->switches = *at++;
    plan->fires = at;
    at += BEFORE_KINDS * STATUSES;
    if (!take_number(&at, end, &plan->most_bytes) || !take_text(&at, end, &plan->destination) ||
        !take_number(&at, end, &plan->count) || plan->count > (size_t)(end - at) / 12)
        return false;
    if (plan->most_bytes > LARGEST_EVENT) plan->most_bytes = LARGEST_EVENT;
    plan->count += ROOTS;
    uint32_t slots = 16;
    while (slots < plan->count * 2) slots *= 2;
    plan->mask = slots - 1;
    plan->picks = ROOTS;
    plan->added = 128; /* the names of the two parts */
    plan->nodes = calloc(plan->count, sizeof(Node));
    plan->slots = calloc(slots, sizeof(uint32_t));
    if (plan->nodes == NULL || plan->slots == NULL || !take_nodes(plan, at, end)) return false;
    plan->picked = calloc(plan->picks, sizeof(Text));
    return plan->picked != NULL;
}

#endif
