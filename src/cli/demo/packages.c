#include "cli/demo/packages.h"

#include <stdio.h>

#include "base/containers/table.h"
#include "base/memory.h"

enum { PACKAGES_READ_BYTES = 1 << 20 };

/* ---- where it comes from ---- */

static char *read_all(FILE *file, size_t *length) {
    size_t capacity = PACKAGES_READ_BYTES;
    char *text = memory_allocate(capacity);
    size_t got;
    *length = 0;
    while ((got = fread(text + *length, 1, capacity - *length, file)) > 0) {
        *length += got;
        if (*length == capacity && capacity < PACKAGES_BYTES_MAXIMUM) {
            capacity *= 2;
            text = memory_resize(text, capacity);
        }
    }
    return text;
}

static char *ask_apt(size_t *length) {
    FILE *pipe = popen("exec apt-cache dumpavail 2>/dev/null", "re");
    if (!pipe)
        return NULL;
    char *text = read_all(pipe, length);
    pclose(pipe);
    return text;
}

static char *read_dpkg(size_t *length) {
    FILE *file = fopen("/var/lib/dpkg/status", "re");
    if (!file)
        return NULL;
    char *text = read_all(file, length);
    fclose(file);
    return text;
}

int packages_load(struct packages *packages, size_t maximum_count) {
    size_t length = 0;
    char *text = ask_apt(&length);
    packages_parse(packages, text, length, maximum_count);
    packages->source = "the package index of this machine (`apt-cache dumpavail`)";
    if (packages->count > 0)
        return 0;
    packages_release(packages);
    length = 0;
    text = read_dpkg(&length);
    packages_parse(packages, text, length, maximum_count);
    packages->source = "the packages installed on this machine (/var/lib/dpkg/status), because "
                       "apt-cache knows none: `apt-get update` would fetch its lists";
    if (packages->count > 0)
        return 0;
    packages_release(packages);
    return ERR_NOT_FOUND;
}

void packages_release(struct packages *packages) {
    for (size_t i = 0; i < packages->count; i++)
        memory_free((void *)packages->rows[i].key.data);
    memory_free(packages->rows);
    memory_free(packages->text);
    *packages = (struct packages){0};
}

/* ---- stanzas ---- */

/* The next field of the stanza; false at its end. The value runs on over lines that begin with a
 * blank. */
static bool next_field(struct bytes *rest, struct bytes *name, struct bytes *value) {
    const uint8_t *colon = rest->length ? memchr(rest->data, ':', rest->length) : NULL;
    if (!colon)
        return false;
    const uint8_t *end = rest->data + rest->length, *stop = colon;
    do {
        stop = memchr(stop, '\n', (size_t)(end - stop));
        stop = stop ? stop + 1 : end;
    } while (stop < end && (*stop == ' ' || *stop == '\t'));
    *name = bytes_of(rest->data, (size_t)(colon - rest->data));
    const uint8_t *from = colon + 1;
    from += from < stop && *from == ' ';
    const uint8_t *to = stop > from && stop[-1] == '\n' ? stop - 1 : stop;
    *value = bytes_of(from, (size_t)(to - from));
    *rest = bytes_of(stop, (size_t)(end - stop));
    return true;
}

static struct bytes field_of(struct bytes stanza, const char *wanted) {
    struct bytes name, value;
    while (next_field(&stanza, &name, &value))
        if (bytes_equal(name, bytes_of_text(wanted)))
            return value;
    return BYTES_NONE;
}

/* Cuts the stanza off the front of `rest`: up to an empty line. */
static struct bytes next_stanza(struct bytes *rest) {
    while (rest->length && rest->data[0] == '\n')
        *rest = bytes_of(rest->data + 1, rest->length - 1);
    const uint8_t *gap = rest->length ? memmem(rest->data, rest->length, "\n\n", 2) : NULL;
    size_t length = gap ? (size_t)(gap + 1 - rest->data) : rest->length;
    struct bytes stanza = bytes_of(rest->data, length);
    *rest = bytes_of(rest->data + length, rest->length - length);
    return stanza;
}

/* 0: the stanza has no name, or the key is too long, or taken under its long name too. */
static size_t make_key(struct bytes stanza, const struct table *taken, char *key) {
    struct bytes name = field_of(stanza, "Package");
    struct bytes version = field_of(stanza, "Version");
    struct bytes architecture = field_of(stanza, "Architecture");
    if (name.length == 0)
        return 0;
    int length = snprintf(key, PACKAGE_KEY_MAXIMUM, "package:%.*s", BYTES_PRINT(name));
    if (length < PACKAGE_KEY_MAXIMUM && table_get(taken, bytes_of(key, (size_t)length))) {
        length = snprintf(key, PACKAGE_KEY_MAXIMUM, "package:%.*s:%.*s:%.*s", BYTES_PRINT(name),
                          BYTES_PRINT(version), BYTES_PRINT(architecture));
    }
    bool is_usable =
        length < PACKAGE_KEY_MAXIMUM && !table_get(taken, bytes_of(key, (size_t)length));
    return is_usable ? (size_t)length : 0;
}

void packages_parse(struct packages *packages, char *text, size_t length, size_t maximum_count) {
    *packages = (struct packages){.text = text, .text_bytes = length};
    struct bytes rest = bytes_of(text, length);
    struct table *taken = table_new();
    size_t capacity = 0;
    while (rest.length && (maximum_count == 0 || packages->count < maximum_count)) {
        char key[PACKAGE_KEY_MAXIMUM];
        struct bytes stanza = next_stanza(&rest);
        size_t key_bytes = make_key(stanza, taken, key);
        if (key_bytes == 0)
            continue;
        if (packages->count == capacity) {
            capacity = capacity ? capacity * 2 : 1024;
            packages->rows = memory_resize(packages->rows, capacity * sizeof(struct package));
        }
        packages->rows[packages->count++] = (struct package){
            .stanza = stanza, .key = bytes_of(memory_copy(key, key_bytes), key_bytes)};
        (void)table_put(taken, bytes_of(key, key_bytes), packages);
    }
    table_free(taken);
}

/* ---- rows ---- */

static bool is_named(const struct bytes *arguments, size_t count, struct bytes name) {
    for (size_t i = 2; i < count; i += 2)
        if (bytes_equal(arguments[i], name))
            return true;
    return false;
}

size_t package_command(const struct package *package,
                       struct bytes arguments[PACKAGE_ARGUMENT_MAXIMUM]) {
    struct bytes rest = package->stanza, name, value;
    size_t count = 2;
    arguments[0] = BYTES_LITERAL("HSET");
    arguments[1] = package->key;
    while (count < PACKAGE_ARGUMENT_MAXIMUM && next_field(&rest, &name, &value)) {
        if (!is_named(arguments, count, name)) {
            arguments[count++] = name;
            arguments[count++] = value;
        }
    }
    return count;
}

uint64_t package_digest(const struct bytes *fields_and_values, size_t count) {
    uint64_t digest = count;
    for (size_t i = 0; i + 1 < count; i += 2)
        digest += bytes_hash(fields_and_values[i + 1], bytes_hash(fields_and_values[i], 0));
    return digest;
}
