#include "keyspace/value/hash_view.h"
#include "base/memory.h"
#include "keyspace/value/hash_private.h"

struct hash_view {
    struct hash_value *hash;    /* owned; NULL: `shared` is viewed */
    uint64_t position;          /* of a scan through it */
    struct field_table *shared; /* the hash's, or nobody's any more; its cut is ours */
    uint64_t *kept_bytes;       /* borrowed: the cut's */
};

void *hash_view_new(void *object, bool is_given, uint64_t *kept_bytes) {
    struct hash_value *hash = object;
    struct hash_view *view = memory_allocate_zeroed(1, sizeof *view);
    view->kept_bytes = kept_bytes;
    bool is_small = hash_value_memory_bytes(hash) <= HASH_VIEW_COPY_BYTES;
    if (is_given) {
        view->hash = hash;
    } else if (is_small || hash->encoding == HASH_PACK) {
        view->hash = hash_value_copy(hash);
    } else {
        view->shared = hash->table;
        field_table_cut(view->shared, kept_bytes);
    }
    if (view->hash)
        *kept_bytes += hash_value_memory_bytes(view->hash);
    return view;
}

uint8_t hash_view_encoding(const void *view) {
    const struct hash_view *hash_view = view;
    return (uint8_t)(hash_view->shared ? HASH_TABLE : hash_view->hash->encoding);
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

static bool save_some(struct hash_view *view, struct pair_save *save) {
    if (view->shared)
        return field_table_visit_cut(view->shared, save_pair, save);
    view->position = hash_value_scan(view->hash, view->position, save_pair, save);
    return view->position != 0;
}

/* A piece without a pair is no piece. */
bool hash_view_save(void *view, size_t maximum_bytes, struct buffer *out, uint64_t *hash) {
    struct hash_view *hash_view = view;
    const struct field_table *table = hash_view->shared ? hash_view->shared : NULL;
    size_t begin = out->length;
    if (table == NULL && hash_view->hash->encoding == HASH_TABLE)
        table = hash_view->hash->table;
    if (table)
        buffer_append_u64(out, field_table_seed(table));
    size_t pairs_begin = out->length;
    struct pair_save save = {.out = out};
    bool has_more = true;
    while (has_more && out->length - begin < maximum_bytes)
        has_more = save_some(hash_view, &save);
    if (out->length == pairs_begin)
        buffer_truncate(out, begin);
    *hash += save.hash;
    return !has_more;
}

void *hash_view_end(void *view) {
    struct hash_view *hash_view = view;
    struct hash_value *hash = hash_view->hash;
    if (hash)
        *hash_view->kept_bytes -= hash_value_memory_bytes(hash);
    else if (field_table_end_cut(hash_view->shared))
        hash = hash_value_of_table(hash_view->shared);
    memory_free(hash_view);
    return hash;
}
