/* Hostile bytes for the projector, under AddressSanitizer and UndefinedBehaviorSanitizer (test_projector_fuzzed.py).
 *
 *     fuzz_projector SECONDS SEED FILE...
 *
 * A file is an event, or a plan (*.plan). Events and plans are made by structure, and taken from the files; most are
 * changed then. Each stands in memory of exactly its size, so that one byte too far is noticed.
 */
#include <stdio.h>
#include <time.h>

#include "projector.h"

#define MOST 8192

typedef struct {
    size_t length;
    byte bytes[MOST];
} Buffer;

static uint64_t state;

static uint32_t chance(uint32_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return below == 0 ? 0 : (uint32_t)((state >> 16) % below);
}

static void add(Buffer *to, const void *bytes, size_t length) {
    if (length > MOST - to->length) length = MOST - to->length;
    memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
}

static void say(Buffer *to, const char *text) { add(to, text, strlen(text)); }

static const char *const KEYS[] = {
    "a", "b", "c", "d.e", "id", "to", "from", "namespace", "status", "lastQualificationTime", "primary", "ups", "AAM",
    "s", "t", "u", "ecid", "segmentMembership", "identityMap", "\xC3\xA9", "profileId", "changes", "profile",
    "occurredAt", "destination", "specversion", "segments", "attributes", "identities", "backfill", "joined", "",
    "a key of many bytes",
};
static const char *const SCALARS[] = {
    "null", "true", "false", "0", "-1", "1.5e3", "12345678901234567890", "\"realized\"", "\"existing\"", "\"exited\"",
    "\"\"", "\"a.b\"", "\"a\"", "\"s\"", "\"ups\"", "\"crm\"", "\"2026-11-20T10:15:00Z\"",
    "\"2026-11-20T10:15:00.25+01:00\"", "1795169700000", "\"\xF0\x9F\x98\x80\"",
    "\"long enough for eight bytes at a time\"", "[]", "{}", "[1,[2,{\"a\":3}]]", "{\"a\":{\"b\":null}}",
    "[\"\\\"\\u0041\\ud83d\\ude00\"]",
};
static const char *const TOKENS[] = {
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "null", "true", "-", "0", "e", ".", " ", "\n", "\x1F",
    "\xFF", "\xC3", "\xED\xA0\x80", "\\ud83d", "\xE2\x82", "\xF4\x90\x80\x80", "\"a\":", "\"id\":", "[[[[[[[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
};
#define ANY(texts) texts[chance(sizeof texts / sizeof *texts)]

static void blank(Buffer *to) {
    if (chance(12) == 0) say(to, chance(2) ? " " : "\n\t\r ");
}

static void key(Buffer *to, const char *name) {
    blank(to);
    say(to, "\"");
    say(to, name);
    say(to, "\"");
    blank(to);
    say(to, ":");
    blank(to);
}

static void value(Buffer *to, unsigned deep) {
    uint32_t kind = deep == 0 ? 0 : chance(6);
    if (kind < 4) {
        say(to, ANY(SCALARS));
        return;
    }
    uint32_t count = chance(4);
    say(to, kind == 4 ? "[" : "{");
    for (uint32_t i = 0; i < count; i++) {
        if (i) say(to, ",");
        if (kind == 5) key(to, ANY(KEYS));
        value(to, deep - 1);
        blank(to);
    }
    say(to, kind == 4 ? "]" : "}");
}

/* Objects of ids: `entry` writes one. Sometimes there are more than fit a short list of names. */
static void keyed(Buffer *to, void (*entry)(Buffer *)) {
    uint32_t count = chance(40) ? chance(4) : 40;
    say(to, "{");
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", chance(400) ? i : chance(40));
        if (i) say(to, ",");
        key(to, count < 5 && chance(2) ? chance(30) ? KEYS[11 + i] : ANY(KEYS) : name);
        entry(to);
    }
    say(to, "}");
}

static void membership(Buffer *to) {
    if (chance(60) == 0) {
        value(to, 2);
        return;
    }
    say(to, chance(4) ? "{\"lastQualificationTime\":\"2026\"" : "{\"more\":0");
    if (chance(4)) say(to, chance(8) ? ",\"status\":\"realized\"" : ",\"status\":null");
    say(to, "}");
}

static void namespace(Buffer *to) { chance(60) ? keyed(to, membership) : value(to, 2); }

static void identities(Buffer *to) {
    say(to, "[");
    for (uint32_t i = chance(3); i > 0; i--) {
        say(to, chance(10) ? "{\"id\":\"1\"" : "{\"id\":null");
        if (chance(2)) say(to, ",\"primary\":"), value(to, 2);
        say(to, i > 1 ? "}," : "}");
    }
    say(to, "]");
}

static void profile(Buffer *to) {
    say(to, "{");
    for (uint32_t i = chance(5); i > 0; i--) {
        key(to, chance(30) ? KEYS[i] : ANY(KEYS));
        value(to, 4);
        say(to, ",");
    }
    key(to, "segmentMembership");
    chance(60) ? keyed(to, namespace) : value(to, 3);
    say(to, ",");
    key(to, "identityMap");
    chance(60) ? keyed(to, identities) : value(to, 3);
    say(to, "}");
}

static void changes(Buffer *to) {
    say(to, "{\"segments\":[{\"id\":");
    say(to, chance(30) ? "\"s\"" : ANY(SCALARS));
    say(to, ",\"to\":\"realized\"");
    if (chance(2)) say(to, ",\"from\":null");
    say(to, "}],\"attributes\":[");
    if (chance(2)) say(to, chance(30) ? "\"a.b\"" : ANY(SCALARS));
    say(to, "],\"joined\":");
    say(to, chance(30) ? "[\"p\",\"q\"]" : ANY(SCALARS));
    say(to, ",\"backfill\":");
    say(to, chance(30) ? chance(2) ? "true" : "false" : ANY(SCALARS));
    say(to, "}");
}

static void event(Buffer *to) {
    bool late = chance(4) == 0, cloud = chance(6) == 0;
    if (cloud) say(to, "{\"specversion\":\"1.0\",\"subject\":\"p\",\"time\":0,\"data\":");
    say(to, "{\"id\":\"e\",\"profileId\":");
    say(to, chance(60) ? "\"p\"" : ANY(SCALARS));
    if (!late) say(to, ",\"changes\":"), changes(to);
    say(to, ",\"profile\":");
    profile(to);
    if (late) say(to, ",\"changes\":"), changes(to);
    say(to, ",\"occurredAt\":");
    say(to, chance(10) ? "\"2026-11-20T10:15:00.25+01:00\"" : ANY(SCALARS));
    if (chance(4) == 0) say(to, chance(2) ? ",\"destination\":\"crm\"" : ",\"destination\":\"crn\"");
    say(to, cloud ? "}}" : "}");
}

static void number(Buffer *to, uint32_t given) {
    byte bytes[4] = {(byte)given, (byte)(given >> 8), (byte)(given >> 16), (byte)(given >> 24)};
    add(to, bytes, 4);
}

static void counted(Buffer *to, const char *text) {
    number(to, (uint32_t)strlen(text));
    say(to, text);
}

static void plan(Buffer *to) {
    byte head[1 + BEFORE_KINDS * STATUSES];
    head[0] = (byte)chance(256);
    for (size_t i = 1; i < sizeof head; i++) head[i] = chance(4) > 0;
    add(to, head, sizeof head);
    number(to, chance(60) ? MOST : chance(2000));
    counted(to, "crm");
    uint32_t attributes = chance(12), fields = chance(3), segments = chance(8), count = ROOTS;
    number(to, attributes + fields + segments);
    uint32_t shift = chance(16);
    for (uint32_t i = 0; i < attributes; i++, count++) {
        number(to, chance(2) || i == 0 ? ATTRIBUTES : ROOTS + chance(i));
        counted(to, chance(60) ? KEYS[i + shift < 17 ? i + shift : i] : ANY(KEYS));
        counted(to, "\"key\":");
    }
    for (uint32_t i = 0; i < fields; i++, count++) {
        number(to, IDENTITY_FIELDS);
        counted(to, i ? "x" : "primary");
        counted(to, "\"primary\":");
    }
    for (uint32_t i = 0; i < segments; i++, count++) {
        number(to, i == 0 ? SEGMENTS : count - i);
        counted(to, i == 0 ? "ups" : i == 1 ? "s" : KEYS[i]);
        counted(to, chance(2) ? "" : "\"name\":\"S\"");
    }
}

/* Change a few bytes. */
static void change(Buffer *of, const Buffer *other) {
    for (uint32_t times = 1 + chance(4); times > 0; times--) {
        size_t at = chance((uint32_t)of->length + 1), left = of->length - at;
        Buffer rest;
        rest.length = 0;
        switch (chance(6)) {
            case 0:
                if (left) of->bytes[at] ^= (byte)(1u << chance(8));
                continue;
            case 1:
                if (left) of->bytes[at] = (byte)chance(256);
                continue;
            case 2: /* take some out */
                add(&rest, of->bytes + at, left);
                of->length = at;
                if (left) left = chance((uint32_t)(left < 16 ? left : 16));
                add(of, rest.bytes + left, rest.length - left);
                continue;
            case 3: /* put something in */
                add(&rest, of->bytes + at, left);
                of->length = at;
                say(of, ANY(TOKENS));
                add(of, rest.bytes, rest.length);
                continue;
            case 4: /* cut */
                if (chance(4) == 0) of->length = at;
                continue;
            default: /* go on like another */
                if (chance(4) == 0 && other->length) {
                    size_t from = chance((uint32_t)other->length);
                    of->length = at;
                    add(of, other->bytes + from, other->length - from);
                }
        }
    }
}

static void *exactly(const void *bytes, size_t length) {
    void *copy = malloc(length);
    if (copy == NULL && length != 0) abort();
    if (length) memcpy(copy, bytes, length);
    return copy;
}

static void hold(bool what, const char *said) {
    if (what) return;
    fprintf(stderr, "does not hold: %s\n", said);
    abort();
}

static bool within(Text text, const byte *begin, size_t length) {
    return text.at >= begin && text.at <= begin + length && text.length <= (size_t)(begin + length - text.at);
}

/* `sound`: the plan was not changed, so that it only writes what is JSON. */
static Verdict try(Plan *plan, bool sound, const Buffer *given) {
    size_t size = room_for(plan, given->length);
    if (chance(20) == 0) size = chance((uint32_t)size);
    byte *bytes = exactly(given->bytes, given->length), *room = malloc(size), *again = malloc(size);
    Projection found, same;
    Verdict verdict = project(plan, bytes, given->length, room, size, &found);
    hold(project(plan, bytes, given->length, again, size, &same) == verdict, "the same twice");
    if (verdict == FIRED) {
        hold(found.profile_id.length > 0 && within(found.profile_id, bytes, given->length), "an id within the event");
        hold(found.id.at == NULL || within(found.id, bytes, given->length), "an event's id within it");
        hold(within(found.document, room, size), "a document within the room");
        hold(found.document.length == same.document.length, "the same document twice");
        hold(memcmp(found.document.at, same.document.at, same.document.length) == 0, "the same bytes twice");
        const byte *end = found.document.at + found.document.length;
        size_t levels = 0;
        for (const byte *p = found.document.at; p < end; p++) levels += *p == '{' || *p == '[';
        hold(!sound || levels > DEEPEST || skip_value(found.document.at, end) == end, "a document that is JSON");
        if (found.joined.at != NULL) {
            const byte *p = found.joined.at + 1;
            Text text;
            end = found.joined.at + found.joined.length;
            hold(within(found.joined, bytes, given->length), "a list within the event");
            for (bool first = true; next_element(&p, end, first) == THERE; first = false)
                hold((p = read_text(p, end, &text)) != NULL && within(text, bytes, given->length), "ids in a list");
            hold(p == end, "a whole list");
        }
    }
    free(bytes);
    free(room);
    free(again);
    return verdict;
}

int main(int count, char **arguments) {
    if (count < 3) return 2;
    time_t end = time(NULL) + atol(arguments[1]);
    state = strtoull(arguments[2], NULL, 10) * 2 + 0x9E3779B97F4A7C15u;
    size_t files = (size_t)count - 3;
    Buffer *corpus = calloc(files + 1, sizeof *corpus), made, plan_made;
    bool *is_plan = calloc(files + 1, sizeof *is_plan);
    for (size_t i = 0; i < files; i++) {
        const char *name = arguments[3 + i];
        FILE *file = fopen(name, "rb");
        if (file == NULL) return 2;
        corpus[i].length = fread(corpus[i].bytes, 1, MOST, file);
        is_plan[i] = strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".plan") == 0;
        fclose(file);
    }
    unsigned long long inputs = 0, plans = 0, refused = 0, verdicts[FIRED + 2] = {0};
    while (time(NULL) < end) {
        plan_made.length = 0;
        size_t chosen = chance((uint32_t)files + 1);
        if (is_plan[chosen] && chance(2)) plan_made = corpus[chosen];
        if (plan_made.length == 0) plan(&plan_made);
        bool sound = chance(4) > 0;
        if (!sound) change(&plan_made, &corpus[chance((uint32_t)files + 1)]);
        byte *bytes = exactly(plan_made.bytes, plan_made.length);
        Plan loaded;
        bool good = plan_load(&loaded, bytes, plan_made.length);
        free(bytes);
        plans++;
        refused += !good;
        for (uint32_t tries = good ? 200 : 0; tries > 0; tries--) {
            made.length = 0;
            chosen = chance((uint32_t)files + 1);
            if (chosen < files && !is_plan[chosen]) made = corpus[chosen];
            if (made.length == 0 || chance(2)) made.length = 0, event(&made);
            if (chance(2)) change(&made, &corpus[chance((uint32_t)files + 1)]);
            verdicts[1 + try(&loaded, sound, &made)]++;
            inputs++;
        }
        plan_free(&loaded);
    }
    free(corpus);
    free(is_plan);
    printf("{\"inputs\":%llu,\"plans\":%llu,\"refused\":%llu,\"unusual\":%llu,\"no_trigger\":%llu,"
           "\"switched_off\":%llu,\"not_a_member\":%llu,\"other_destination\":%llu,\"fired\":%llu}\n",
           inputs, plans, refused, verdicts[0], verdicts[1], verdicts[2], verdicts[3], verdicts[4], verdicts[5]);
    return 0;
}
