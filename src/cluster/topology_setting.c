#include "cluster/topology_setting.h"

#include "base/check.h"
#include "base/memory.h"

void topology_settings_free(struct topology *topology) {
    for (unsigned i = 0; i < topology->setting_count; i++) {
        memory_free(topology->settings[i].name);
        memory_free(topology->settings[i].value);
    }
    memory_free(topology->settings);
    topology->settings = NULL;
    topology->setting_count = 0;
}

void topology_settings_copy(struct topology *to, const struct topology *from) {
    to->settings = NULL;
    to->setting_count = from->setting_count;
    if (from->setting_count)
        to->settings = memory_allocate_zeroed(from->setting_count, sizeof *to->settings);
    for (unsigned i = 0; i < from->setting_count; i++) {
        to->settings[i] =
            (struct topology_setting){.name = memory_copy_text(from->settings[i].name),
                                      .value = memory_copy_text(from->settings[i].value)};
    }
}

/* ---- finding and placing ---- */

/* Where it stands, or would stand. */
static unsigned position_of(const struct topology *topology, struct bytes name, bool *is_there) {
    unsigned at = 0;
    int order = 1;
    while (at < topology->setting_count &&
           (order = bytes_compare(bytes_of_text(topology->settings[at].name), name)) < 0)
        at++;
    *is_there = at < topology->setting_count && order == 0;
    return at;
}

const char *topology_setting(const struct topology *topology, struct bytes name) {
    bool is_there;
    unsigned at = position_of(topology, name, &is_there);
    return is_there ? topology->settings[at].value : NULL;
}

static void insert(struct topology *topology, unsigned at, struct bytes name) {
    topology->settings = memory_resize(topology->settings, (topology->setting_count + 1) *
                                                               sizeof(struct topology_setting));
    memmove(&topology->settings[at + 1], &topology->settings[at],
            (topology->setting_count - at) * sizeof(struct topology_setting));
    topology->settings[at] = (struct topology_setting){.name = bytes_copy_text(name)};
    topology->setting_count++;
}

static bool set_one(struct topology *topology, struct bytes name, struct bytes value) {
    bool is_there;
    unsigned at = position_of(topology, name, &is_there);
    if (!is_there)
        insert(topology, at, name);
    else if (bytes_equal(bytes_of_text(topology->settings[at].value), value))
        return false;
    memory_free(topology->settings[at].value);
    topology->settings[at].value = bytes_copy_text(value);
    return true;
}

static bool unset_one(struct topology *topology, struct bytes name) {
    bool is_there;
    unsigned at = position_of(topology, name, &is_there);
    if (!is_there)
        return false;
    memory_free(topology->settings[at].name);
    memory_free(topology->settings[at].value);
    topology->setting_count--;
    memmove(&topology->settings[at], &topology->settings[at + 1],
            (topology->setting_count - at) * sizeof(struct topology_setting));
    return true;
}

/* ---- the commands ---- */

static bool is_name(struct bytes name) {
    bool is_right = name.length > 0 && name.length <= TOPOLOGY_SETTING_NAME_MAXIMUM;
    for (size_t i = 0; is_right && i < name.length; i++) {
        uint8_t byte = name.data[i];
        is_right = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
                   byte == '_';
    }
    return is_right;
}

static bool is_value(struct bytes value) {
    return value.length <= TOPOLOGY_SETTING_VALUE_MAXIMUM &&
           (value.length == 0 || memchr(value.data, '\0', value.length) == NULL);
}

static int check_pairs(const struct topology *topology, const struct bytes *arguments,
                       size_t count) {
    size_t more = 0;
    if (count < 3 || count % 2 == 0)
        return ERR_INVALID;
    for (size_t i = 1; i < count; i += 2) {
        if (!is_name(arguments[i]) || !is_value(arguments[i + 1]))
            return ERR_INVALID;
        more += topology_setting(topology, arguments[i]) == NULL;
    }
    return topology->setting_count + more > TOPOLOGY_SETTING_MAXIMUM ? ERR_LIMIT : 0;
}

int topology_apply_setting_set(struct topology *topology, const struct bytes *arguments,
                               size_t count) {
    int error = check_pairs(topology, arguments, count);
    bool is_changed = false;
    for (size_t i = 1; !error && i < count; i += 2)
        is_changed |= set_one(topology, arguments[i], arguments[i + 1]);
    topology->epoch += is_changed;
    return error;
}

int topology_apply_setting_unset(struct topology *topology, const struct bytes *arguments,
                                 size_t count) {
    bool is_changed = false;
    for (size_t i = 1; i < count; i++)
        is_changed |= unset_one(topology, arguments[i]);
    topology->epoch += is_changed;
    return count < 2 ? ERR_INVALID : 0;
}

/* ---- the encoded form: docs/format/topology.md ---- */

void topology_settings_encode(const struct topology *topology, struct buffer *out) {
    buffer_append_varint(out, topology->setting_count);
    for (unsigned i = 0; i < topology->setting_count; i++) {
        buffer_append_length_prefixed(out, bytes_of_text(topology->settings[i].name));
        buffer_append_length_prefixed(out, bytes_of_text(topology->settings[i].value));
    }
}

static int decode_one(struct topology *topology, struct cursor *in) {
    struct bytes name = cursor_length_prefixed(in, TOPOLOGY_SETTING_NAME_MAXIMUM);
    struct bytes value = cursor_length_prefixed(in, TOPOLOGY_SETTING_VALUE_MAXIMUM);
    if (in->is_failed || !is_name(name) || !is_value(value))
        return ERR_MALFORMED;
    bool is_there;
    if (position_of(topology, name, &is_there) != topology->setting_count || is_there)
        return ERR_MALFORMED;
    bool is_new = set_one(topology, name, value);
    CHECK(is_new);
    return 0;
}

int topology_settings_decode(struct topology *topology, struct cursor *in) {
    uint64_t count = cursor_varint(in);
    if (in->is_failed || count > TOPOLOGY_SETTING_MAXIMUM)
        return ERR_MALFORMED;
    int error = 0;
    for (uint64_t i = 0; i < count && !error; i++)
        error = decode_one(topology, in);
    return error;
}
