/* The times of events that are written as nearly all are (times.py reads the others). */
#ifndef EXPORTER_TIMES_H
#define EXPORTER_TIMES_H

#include <float.h>

#include "json.h"

#define MOST_DIGITS 15 /* so many always fit a double exactly */
#define MOST_SECONDS 1e11

/* The number in `count` digits at `p`; -1 if these are no digits. */
static inline int64_t digits(const byte *p, size_t count) {
    int64_t number = 0;
    for (size_t i = 0; i < count; i++) {
        if (p[i] < '0' || p[i] > '9') return -1;
        number = number * 10 + (p[i] - '0');
    }
    return number;
}

/* The day of a date, counted from 1 January 1970; false for a date that there is not. */
static inline bool day_of(int64_t year, int64_t month, int64_t day, int64_t *days) {
    static const byte lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || month < 1 || month > 12 || day < 1) return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > lengths[month - 1] + (leap && month == 2)) return false;
    /* Years that begin in March end with the odd day. */
    int64_t years = month <= 2 ? year - 1 : year;
    int64_t months = (month + 9) % 12;
    *days = years * 365 + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day - 1 - 719468;
    return true;
}

/* Epoch seconds of `2026-11-20T10:15:00`, with or without a fraction of a second, and `Z` or an offset as `+01:00`. */
static inline bool read_time(Text text, double *seconds) {
    const byte *p = text.at, *end = p + text.length;
    if (text.length < 20 || p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' || p[16] != ':') return false;
    int64_t days, hour = digits(p + 11, 2), minute = digits(p + 14, 2), second = digits(p + 17, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
    if (!day_of(digits(p, 4), digits(p + 5, 2), digits(p + 8, 2), &days)) return false;
    double fraction = 0.0;
    p += 19;
    if (*p == '.') {
        const byte *begin = ++p;
        while (p < end && *p >= '0' && *p <= '9') p++;
        size_t count = (size_t)(p - begin);
        if (count == 0 || count > MOST_DIGITS || FLT_EVAL_METHOD != 0) return false;
        double unit = 1.0;
        for (size_t i = 0; i < count; i++) unit *= 10.0;
        fraction = (double)digits(begin, count) / unit;
    }
    int64_t offset = 0;
    if (peek(p, end) == 'Z') {
        p++;
    } else {
        if (end - p != 6 || (p[0] != '+' && p[0] != '-') || p[3] != ':') return false;
        int64_t hours = digits(p + 1, 2), minutes = digits(p + 4, 2);
        if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
        offset = (hours * 60 + minutes) * (p[0] == '-' ? -60 : 60);
        p += 6;
    }
    if (p != end) return false;
    *seconds = (double)(days * 86400 + hour * 3600 + minute * 60 + second - offset) + fraction;
    return true;
}

/* Epoch seconds of a whole number, which counts in the largest unit that makes it no later than the year 5138. */
static inline bool read_moment(Text number, double *seconds) {
    bool negative = number.length > 0 && number.at[0] == '-';
    size_t count = number.length - negative;
    if (count == 0 || count > MOST_DIGITS || (negative && number.at[1] == '0') || FLT_EVAL_METHOD != 0) return false;
    int64_t value = digits(number.at + negative, count);
    if (value < 0) return false;
    double given = (double)value, unit = 1.0;
    while (given >= MOST_SECONDS * unit) unit *= 1e3; /* 15 digits: microseconds at most */
    *seconds = (negative ? -given : given) / unit;
    return true;
}

#endif
