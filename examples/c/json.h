/*
 * The JSON that the examples need: reading the members and elements of JSON from the
 * library, which is always valid, and quoting strings.
 */
#ifndef EXAMPLES_JSON_H
#define EXAMPLES_JSON_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The text of a value inside a longer one. `at` is NULL if there is no value. */
struct json {
    const char *at;
    size_t len;
};

static inline struct json json_trim(struct json text) {
    while (text.len > 0 && strchr(" \t\r\n", *text.at)) {
        text.at++;
        text.len--;
    }
    return text;
}

static inline void json_drop(struct json *text, size_t len) {
    text->at += len;
    text->len -= len;
}

/* Takes the value at the beginning of `rest`. */
static inline struct json json_take(struct json *rest) {
    *rest = json_trim(*rest);
    struct json value = {rest->at, 0};
    size_t depth = 0;
    bool quoted = false;
    for (; value.len < rest->len; value.len++) {
        char c = value.at[value.len];
        if (quoted) {
            if (c == '\\') {
                value.len++;
            } else if (c == '"') {
                quoted = false;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (depth > 0 && (c == '}' || c == ']')) {
            depth--;
        } else if (depth == 0 && strchr(" \t\r\n,:]}", c)) {
            break;
        }
    }
    if (value.len > rest->len) {
        value.len = rest->len;
    }
    json_drop(rest, value.len);
    return value;
}

/* The elements of an array, one per call. In the first call `rest` is the array. */
static inline bool json_next(struct json *array, struct json *item) {
    *array = json_trim(*array);
    if (array->len == 0 || !strchr("[,", *array->at)) {
        return false;
    }
    json_drop(array, 1);
    *item = json_take(array);
    return item->len > 0;
}

static inline unsigned json_hex(const char *digits) {
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        char c = digits[i];
        value = value * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

/* Reads an escape after its backslash, and returns the character. */
static inline unsigned json_escape(struct json *text) {
    char kind = *text->at;
    json_drop(text, 1);
    if (kind != 'u') {
        const char *found = strchr("b\bf\fn\nr\rt\t", kind);
        return (unsigned char)(found ? found[1] : kind);
    }
    if (text->len < 4) {
        return 0xFFFD;
    }
    unsigned code = json_hex(text->at);
    json_drop(text, 4);
    if (code >= 0xD800 && code < 0xDC00 && text->len >= 6 && text->at[0] == '\\' &&
        text->at[1] == 'u') {
        unsigned low = json_hex(text->at + 2);
        if (low >= 0xDC00 && low < 0xE000) {
            json_drop(text, 6);
            return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return code >= 0xD800 && code < 0xE000 ? 0xFFFD : code;
}

static inline size_t json_utf8(unsigned code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code >>= 6) {
        out[i] = (char)(0x80 | (code & 0x3F));
    }
    out[0] = (char)((0xF00 >> len) | code);
    return len;
}

/*
 * A string, number or boolean as text to print: always NUL-terminated, cut
 * between two characters if it does not fit, and without control characters,
 * which a terminal would interpret. Empty for null and for a missing value.
 */
static inline void json_text(struct json value, char *out, size_t size) {
    size_t used = 0;
    bool quoted = value.len >= 2 && *value.at == '"';
    if (quoted) {
        value.at++;
        value.len -= 2;
    } else if (value.len == 4 && memcmp(value.at, "null", 4) == 0) {
        value.len = 0;
    }
    while (value.len > 0) {
        char bytes[4] = {*value.at};
        size_t len = 1;
        json_drop(&value, 1);
        if (quoted && bytes[0] == '\\' && value.len > 0) {
            len = json_utf8(json_escape(&value), bytes);
        } else {
            /* A continuation byte. */
            while (value.len > 0 && len < 4 && ((unsigned char)*value.at & 0xC0) == 0x80) {
                bytes[len++] = *value.at;
                json_drop(&value, 1);
            }
        }
        unsigned char first = (unsigned char)bytes[0], second = (unsigned char)bytes[1];
        if (first < 0x20 || first == 0x7F || (first == 0xC2 && second < 0xA0)) {
            bytes[0] = ' ';
            len = 1;
        }
        if (used + len >= size) {
            break;
        }
        memcpy(out + used, bytes, len);
        used += len;
    }
    out[used] = '\0';
}

/* A member of an object. */
static inline struct json json_get(struct json object, const char *name) {
    struct json rest = json_trim(object), none = {NULL, 0};
    while (rest.len > 0 && strchr("{,", *rest.at)) {
        char key[128];
        json_drop(&rest, 1);
        json_text(json_take(&rest), key, sizeof key);
        rest = json_trim(rest);
        if (rest.len == 0 || *rest.at != ':') {
            break;
        }
        json_drop(&rest, 1);
        struct json value = json_take(&rest);
        if (strcmp(key, name) == 0) {
            return value;
        }
        rest = json_trim(rest);
    }
    return none;
}

/* A text as a JSON string; false when `out` is too small for it. */
static inline bool json_quote(const char *text, char *out, size_t size) {
    size_t used = 0;
    if (size < 3) {
        return false;
    }
    out[used++] = '"';
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        /* The longest escape, the closing quote, and the NUL. */
        if (used + 6 + 2 > size) {
            return false;
        }
        if (c < 0x20) {
            used += (size_t)snprintf(out + used, size - used, "\\u%04x", c);
        } else {
            if (c == '"' || c == '\\') {
                out[used++] = '\\';
            }
            out[used++] = (char)c;
        }
    }
    out[used++] = '"';
    out[used] = '\0';
    return true;
}

#endif
