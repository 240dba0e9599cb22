#include "keyspace/value/hash_view.h"
#include "base/memory.h"
#include "keyspace/value/hash_private.h"

struct hash_view {
    struct hash_value *hash;   /* owned; NULL: it was a table's that was not given */
    struct field_view *fields; /* owned: of a table; NULL: a pack is saved at once */
    uint64_t *kept_bytes;      /* borrowed: the cut's */
};

void *hash_view_new(void *object, bool is_given, uint64_t *kept_bytes) {
    struct hash_value *hash = object;
    struct hash_view *view = memory_allocate_zeroed(1, sizeof *view);
    view->kept_bytes = kept_bytes;
    if (is_given)
        view->hash = hash;
    if (hash->encoding == HASH_TABLE) {
        view->fields = field_view_new(hash->table, is_given, kept_bytes);
        return view;
    }
    if (!is_given)
        view->hash = hash_value_copy(hash);
    *kept_bytes += hash_value_memory_bytes(view->hash);
    return view;
}

uint8_t hash_view_encoding(const void *view) {
    return (uint8_t)(((const struct hash_view *)view)->fields ? HASH_TABLE : HASH_PACK);
}

struct pair_save {
    struct buffer *out;
    uint64_t hash;
};

static void save_pair(void *context, struct bytes field, struct bytes value) {
    struct pair_save *save = context;
    buffer_append_length_prefixed(save->out, field);
    buffer_append_length_prefixed(save->out, value);
    save->hash += hash_pair_hash(field, value);
}

/* A piece without a pair is no piece. */
static bool save_fields(struct field_view *fields, size_t maximum_bytes, struct pair_save *save) {
    struct buffer *out = save->out;
    size_t begin = out->length;
    buffer_append_u64(out, field_view_seed(fields));
    size_t pairs_begin = out->length;
    bool has_more = true;
    while (has_more && out->length - begin < maximum_bytes)
        has_more = field_view_visit(fields, save_pair, save);
    if (out->length == pairs_begin)
        buffer_truncate(out, begin);
    return !has_more;
}

bool hash_view_save(void *view, size_t maximum_bytes, struct buffer *out, uint64_t *hash) {
    const struct hash_view *hash_view = view;
    struct pair_save save = {.out = out};
    bool is_whole = true;
    if (hash_view->fields)
        is_whole = save_fields(hash_view->fields, maximum_bytes, &save);
    else
        hash_value_scan(hash_view->hash, 0, save_pair, &save);
    *hash += save.hash;
    return is_whole;
}

void *hash_view_end(void *view) {
    struct hash_view *hash_view = view;
    struct hash_value *hash = hash_view->hash;
    if (hash_view->fields == NULL)
        *hash_view->kept_bytes -= hash_value_memory_bytes(hash);
    else if (hash)
        hash->table = field_view_end(hash_view->fields);
    else
        hash = hash_value_of_table(field_view_end(hash_view->fields));
    memory_free(hash_view);
    return hash;
}
