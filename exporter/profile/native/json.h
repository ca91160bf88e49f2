/* JSON by its grammar (RFC 8259): values are passed over, not decoded.
 *
 * Every function takes where it stands and where the bytes end, reads nothing outside, and returns where it goes on:
 * NULL for anything that is no JSON in UTF-8, or that goes deeper than DEEPEST.
 */
#ifndef EXPORTER_JSON_H
#define EXPORTER_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef unsigned char byte;

/* Bytes within an event or a plan. `at` is NULL where there are none, as opposed to an empty text. */
typedef struct {
    const byte *at;
    size_t length;
} Text;

/* Of one value; what is looked into stands a few levels above. Far below the depth at which an event is malformed. */
#define DEEPEST 64

#define REPEATED(value) (0x0101010101010101u * (uint64_t)(value))

static inline bool same(Text text, const char *literal, size_t length) {
    return text.length == length && memcmp(text.at, literal, length) == 0;
}
#define IS(text, literal) same((text), (literal), sizeof(literal) - 1)

static inline uint64_t eight(const byte *at) {
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

/* The byte at `p`; 0, which begins nothing, at the end. */
static inline byte peek(const byte *p, const byte *end) { return p < end ? *p : 0; }

static inline const byte *skip_blanks(const byte *p, const byte *end) {
    while (p < end && *p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
    return p;
}

/* A sequence of UTF-8 that begins at `p` with a byte beyond ASCII (Unicode, table 3-7: no surrogates, no detours). */
static inline const byte *skip_rune(const byte *p, const byte *end) {
    size_t left = (size_t)(end - p);
    byte lead = p[0];
    if (lead < 0xC2 || lead > 0xF4 || left < 2) return NULL;
    byte least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    byte most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (left < length || p[1] < least || p[1] > most) return NULL;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xC0) != 0x80) return NULL;
    return p + length;
}

static inline int hex_digit(byte c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code in four digits at `p`; -1 if there are none. */
static inline int four_digits(const byte *p, const byte *end) {
    if (end - p < 4) return -1;
    int code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0) return -1;
        code = code << 4 | digit;
    }
    return code;
}

/* An escape; `p` is at its backslash. Half a surrogate pair is refused. */
static inline const byte *skip_escape(const byte *p, const byte *end) {
    if (end - p < 2) return NULL;
    switch (p[1]) {
        case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
            return p + 2;
        case 'u':
            break;
        default:
            return NULL;
    }
    int code = four_digits(p + 2, end);
    if (code < 0) return NULL;
    p += 6;
    if (code < 0xD800 || code > 0xDFFF) return p;
    if (code > 0xDBFF || end - p < 6 || p[0] != '\\' || p[1] != 'u') return NULL;
    code = four_digits(p + 2, end);
    return code >= 0xDC00 && code <= 0xDFFF ? p + 6 : NULL;
}

/* Marks, in the highest bit of each byte, those that do not simply belong to a string: quotes, backslashes, control
 * characters, and what is not ASCII. */
static inline uint64_t odd_bytes(uint64_t bytes) {
    uint64_t low = bytes & REPEATED(0x7F);
    uint64_t no_quote = (low ^ REPEATED('"')) + REPEATED(0x7F);
    uint64_t no_backslash = (low ^ REPEATED('\\')) + REPEATED(0x7F);
    uint64_t no_control = low + REPEATED(0x60);
    return (~(no_quote & no_backslash & no_control) | bytes) & REPEATED(0x80);
}

/* A string; `p` is at its quote. `escaped`: whether a backslash is in it. */
static inline const byte *skip_string(const byte *p, const byte *end, bool *escaped) {
    p++;
    for (;;) {
        while (end - p >= 8) {
            uint64_t odd = odd_bytes(eight(p));
            if (odd == 0) {
                p += 8;
                continue;
            }
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            p += __builtin_ctzll(odd) >> 3;
#else
            while (*p >= ' ' && *p < 0x80 && *p != '"' && *p != '\\') p++;
#endif
            break;
        }
        while (p < end && *p >= ' ' && *p < 0x80 && *p != '"' && *p != '\\') p++;
        if (p == end) return NULL;
        if (*p == '"') return p + 1;
        if (*p == '\\') {
            *escaped = true;
            p = skip_escape(p, end);
        } else if (*p >= 0x80) {
            p = skip_rune(p, end);
        } else {
            return NULL;
        }
        if (p == NULL) return NULL;
    }
}

/* A string without escapes, and what is in it. */
static inline const byte *read_text(const byte *p, const byte *end, Text *text) {
    bool escaped = false;
    if (peek(p, end) != '"') return NULL;
    const byte *behind = skip_string(p, end, &escaped);
    if (behind == NULL || escaped) return NULL;
    *text = (Text){p + 1, (size_t)(behind - p) - 2};
    return behind;
}

static inline const byte *skip_word(const byte *p, const byte *end, const char *word, size_t length) {
    return (size_t)(end - p) >= length && memcmp(p, word, length) == 0 ? p + length : NULL;
}
#define SKIP_WORD(p, end, word) skip_word((p), (end), (word), sizeof(word) - 1)

/* Null, or a string without escapes: `text` has no bytes for null. */
static inline const byte *read_text_or_null(const byte *p, const byte *end, Text *text) {
    *text = (Text){0};
    return peek(p, end) == 'n' ? SKIP_WORD(p, end, "null") : read_text(p, end, text);
}

static inline const byte *skip_digits(const byte *p, const byte *end) {
    const byte *begin = p;
    while (p < end && *p >= '0' && *p <= '9') p++;
    return p == begin ? NULL : p;
}

static inline const byte *skip_number(const byte *p, const byte *end) {
    if (peek(p, end) == '-') p++;
    if (peek(p, end) == '0') {
        p++;
    } else if ((p = skip_digits(p, end)) == NULL) {
        return NULL;
    }
    if (peek(p, end) == '.' && (p = skip_digits(p + 1, end)) == NULL) return NULL;
    if ((peek(p, end) | 0x20) == 'e') {
        p++;
        if (peek(p, end) == '+' || peek(p, end) == '-') p++;
        p = skip_digits(p, end);
    }
    return p;
}

/* A value of any kind that begins at `p`. */
static const byte *skip_value(const byte *p, const byte *end) {
    uint64_t objects = 0; /* the innermost level is the lowest bit, which is set for an object */
    unsigned depth = 0;
    bool escaped;
    for (;;) {
        switch (peek(p, end)) {
            case '{':
            case '[':
                if (depth == DEEPEST) return NULL;
                objects = objects << 1 | (*p == '{');
                depth++;
                p = skip_blanks(p + 1, end);
                if (peek(p, end) == (objects & 1 ? '}' : ']')) {
                    p++;
                    objects >>= 1;
                    depth--;
                    break;
                }
                if (objects & 1) goto key;
                continue;
            case '"': p = skip_string(p, end, &escaped); break;
            case 't': p = SKIP_WORD(p, end, "true"); break;
            case 'f': p = SKIP_WORD(p, end, "false"); break;
            case 'n': p = SKIP_WORD(p, end, "null"); break;
            default: p = skip_number(p, end); break;
        }
        for (;;) { /* behind a value */
            if (p == NULL || depth == 0) return p;
            p = skip_blanks(p, end);
            byte mark = peek(p, end);
            if (mark == ',') break;
            if (mark != (objects & 1 ? '}' : ']')) return NULL;
            p++;
            objects >>= 1;
            depth--;
        }
        p = skip_blanks(p + 1, end);
        if (!(objects & 1)) continue;
    key:
        if (peek(p, end) != '"' || (p = skip_string(p, end, &escaped)) == NULL) return NULL;
        p = skip_blanks(p, end);
        if (peek(p, end) != ':') return NULL;
        p = skip_blanks(p + 1, end);
    }
}

/* What comes next in an object or a list that is looked into. */
typedef enum { ODD = -1, CLOSED = 0, THERE = 1 } Next;

/* The next place in what `closing` closes; `*at` is behind its bracket (`first`) or behind a value, and then at the
 * next element or key, or behind the closing bracket. */
static inline Next next_place(const byte **at, const byte *end, bool first, byte closing) {
    const byte *p = skip_blanks(*at, end);
    byte mark = peek(p, end);
    if (mark == closing) {
        *at = p + 1;
        return CLOSED;
    }
    if (!first) {
        if (mark != ',') return ODD;
        p = skip_blanks(p + 1, end);
    }
    *at = p;
    return THERE;
}

/* The next member of an object: its key, which may have no escapes, and `*at` is at its value. */
static inline Next next_member(const byte **at, const byte *end, bool first, Text *key) {
    Next next = next_place(at, end, first, '}');
    if (next != THERE) return next;
    const byte *p = read_text(*at, end, key);
    if (p == NULL) return ODD;
    p = skip_blanks(p, end);
    if (peek(p, end) != ':') return ODD;
    *at = skip_blanks(p + 1, end);
    return THERE;
}

static inline Next next_element(const byte **at, const byte *end, bool first) {
    return next_place(at, end, first, ']');
}

#endif
