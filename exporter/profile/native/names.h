/* The keys of an object that may have any, to see when one comes twice: then the last value counts, which is left to
 * Python, as are objects with more keys than there is room for. */
#ifndef EXPORTER_NAMES_H
#define EXPORTER_NAMES_H

#include "plan.h"

#define FEW_NAMES 16
#define MOST_NAMES 1024

typedef struct {
    uint32_t count;
    uint32_t hashes[MOST_NAMES];
    Text keys[MOST_NAMES];
    uint16_t slots[2 * MOST_NAMES]; /* 1 + index; empty as long as names are few */
} Names;

static inline void names_place(Names *names, uint32_t index) {
    uint32_t slot = names->hashes[index] % (2 * MOST_NAMES);
    while (names->slots[slot] != 0) slot = (slot + 1) % (2 * MOST_NAMES);
    names->slots[slot] = (uint16_t)(index + 1);
}

static inline bool names_same(const Names *names, uint32_t index, uint32_t hash, Text key) {
    return names->hashes[index] == hash && names->keys[index].length == key.length &&
           memcmp(names->keys[index].at, key.at, key.length) == 0;
}

/* Whether `key` is new, and was noted. */
static inline bool names_add(Names *names, Text key) {
    uint32_t hash = hash_of(0, key), index = names->count;
    if (index == MOST_NAMES) return false;
    if (index < FEW_NAMES) {
        for (uint32_t each = 0; each < index; each++)
            if (names_same(names, each, hash, key)) return false;
    } else {
        if (index == FEW_NAMES) {
            memset(names->slots, 0, sizeof names->slots);
            for (uint32_t each = 0; each < index; each++) names_place(names, each);
        }
        for (uint32_t slot = hash % (2 * MOST_NAMES); names->slots[slot] != 0; slot = (slot + 1) % (2 * MOST_NAMES))
            if (names_same(names, names->slots[slot] - 1u, hash, key)) return false;
    }
    names->hashes[index] = hash;
    names->keys[index] = key;
    names->count = index + 1;
    if (index >= FEW_NAMES) names_place(names, index);
    return true;
}

#endif
