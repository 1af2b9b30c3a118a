/*
 * The items of events, read with jansson.
 */
#ifndef EXAMPLES_ITEMS_H
#define EXAMPLES_ITEMS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <directus_realtime.h>

/*
 * The data of an event: an array of items for INIT, one item for a change. Release it with
 * json_decref(). NULL, which jansson takes for an empty value, if jansson can't represent it,
 * such as a number with more than 64 bits.
 */
static inline json_t *data_of(const drt_event *event) {
    json_error_t error;
    json_t *data = json_loadb(event->data, event->data_len, JSON_ALLOW_NUL, &error);
    if (!data) {
        fprintf(stderr, "cannot read an event: %s\n", error.text);
    }
    return data;
}

static inline json_int_t id_of(const json_t *item) {
    return json_integer_value(json_object_get(item, "id"));
}

/*
 * A string of an item as text to print: empty if it is null or missing, cut between two
 * characters if it does not fit, and without control characters, which a terminal would
 * interpret.
 */
static inline void text_of(const json_t *item, const char *name, char *out, size_t size) {
    const char *text = json_string_value(json_object_get(item, name));
    size_t len = text ? strlen(text) : 0;
    if (len >= size) {
        for (len = size - 1; len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80;) {
            len--;
        }
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i], next = (unsigned char)text[i + 1];
        bool long_control = c == 0xC2 && next < 0xA0;
        out[i] = c < 0x20 || c == 0x7F || long_control ? ' ' : text[i];
        if (long_control) {
            out[++i] = ' ';
        }
    }
    out[len] = '\0';
}

#endif
