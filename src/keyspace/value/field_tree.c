#include "keyspace/value/field_tree.h"
#include "base/check.h"
#include "base/memory.h"
#include "keyspace/value/memory_class.h"
#include <assert.h>
#include <stddef.h>

union field_slot {
    struct field_part *part;   /* of a node */
    struct field_entry *entry; /* of a leaf, which is on level 0 */
};

struct field_part {
    uint64_t owners;
    union field_slot slots[];
};

/* ---- entries ---- */

static_assert(sizeof(struct field_entry) == 24, "memory a field depends on it");

static bool is_long(size_t length) { return length > FIELD_ENTRY_BODY_MAXIMUM; }

/* Of its own block. */
static size_t entry_size(size_t length) {
    return offsetof(struct field_entry, body) + (is_long(length) ? sizeof(void *) : length);
}

size_t field_entry_bytes(const struct field_entry *entry) {
    size_t length = field_entry_length(entry);
    return memory_class(entry_size(length)) +
           (is_long(length) ? memory_class(sizeof(struct field_body) + length) : 0);
}

static void write_body(struct field_entry *entry, struct bytes field, struct bytes value) {
    size_t length = field.length + value.length;
    uint8_t *body = (uint8_t *)entry + offsetof(struct field_entry, body);
    if (is_long(length)) {
        entry->shared = memory_allocate(sizeof *entry->shared + length);
        entry->shared->owners = 1;
        body = entry->shared->body;
    }
    if (field.length > 0)
        memcpy(body, field.data, field.length);
    if (value.length > 0)
        memcpy(body + field.length, value.data, value.length);
}

struct field_entry *field_entry_new(struct bytes field, struct bytes value) {
    CHECK(field.length <= UINT32_MAX);
    CHECK(value.length <= UINT32_MAX);
    struct field_entry *entry = memory_allocate(entry_size(field.length + value.length));
    entry->next = NULL;
    entry->field_length = (uint32_t)field.length;
    entry->value_length = (uint32_t)value.length;
    write_body(entry, field, value);
    return entry;
}

void field_entry_free(struct field_entry *entry) {
    if (is_long(field_entry_length(entry)) && --entry->shared->owners == 0)
        memory_free(entry->shared);
    memory_free(entry);
}

struct field_entry *field_entry_renew(struct field_entry *entry, struct bytes value) {
    size_t length = entry->field_length + value.length;
    if (is_long(field_entry_length(entry)) || is_long(length)) {
        struct field_entry *renewed = field_entry_new(field_entry_field(entry), value);
        renewed->next = entry->next;
        field_entry_free(entry);
        return renewed;
    }
    if (value.length != entry->value_length)
        entry = memory_resize(entry, entry_size(length));
    entry->value_length = (uint32_t)value.length;
    uint8_t *body = (uint8_t *)entry + offsetof(struct field_entry, body);
    if (value.length > 0)
        memcpy(body + entry->field_length, value.data, value.length);
    return entry;
}

static struct field_entry *entry_copy(const struct field_entry *entry) {
    size_t length = field_entry_length(entry);
    struct field_entry *copy = memory_copy(entry, entry_size(length));
    if (is_long(length))
        copy->shared->owners++;
    return copy;
}

static struct field_entry *chain_copy(const struct field_entry *entry, size_t *copied_bytes) {
    struct field_entry *first = NULL, **link = &first;
    for (; entry != NULL; entry = entry->next) {
        *link = entry_copy(entry);
        *copied_bytes += memory_class(entry_size(field_entry_length(entry)));
        link = &(*link)->next;
    }
    return first;
}

static size_t chain_free(struct field_entry *entry) {
    size_t count = 0;
    while (entry != NULL) {
        struct field_entry *next = entry->next;
        field_entry_free(entry);
        entry = next;
        count++;
    }
    return count;
}

/* ---- shape ---- */

/* Of a bucket's number, what the levels below this one decide. */
static unsigned bits_below(unsigned level) {
    return level == 0 ? 0 : FIELD_LEAF_BITS + (level - 1) * FIELD_NODE_BITS;
}

static unsigned slot_bits(const struct field_tree *tree, unsigned level) {
    unsigned most = level == 0 ? FIELD_LEAF_BITS : FIELD_NODE_BITS;
    unsigned left = tree->bits - bits_below(level);
    return left < most ? left : most;
}

static size_t slot_count(const struct field_tree *tree, unsigned level) {
    return (size_t)1 << slot_bits(tree, level);
}

static size_t slot_of(const struct field_tree *tree, unsigned level, size_t bucket) {
    return (bucket >> bits_below(level)) & (slot_count(tree, level) - 1);
}

static size_t part_size(const struct field_tree *tree, unsigned level) {
    return sizeof(struct field_part) + slot_count(tree, level) * sizeof(union field_slot);
}

struct field_tree field_tree_new(unsigned bits) {
    CHECK(bits >= FIELD_TREE_BITS_MINIMUM);
    struct field_tree tree = {.bits = bits};
    while (bits_below(tree.level + 1) < bits)
        tree.level++;
    return tree;
}

struct field_tree field_tree_share(const struct field_tree *tree) {
    if (tree->root)
        tree->root->owners++;
    return *tree;
}

/* ---- finding and changing ---- */

static const struct field_part *leaf_of(const struct field_tree *tree, size_t bucket) {
    const struct field_part *part = tree->root;
    for (unsigned level = tree->level; part != NULL && level > 0; level--)
        part = part->slots[slot_of(tree, level, bucket)].part;
    return part;
}

struct field_entry *field_tree_bucket(const struct field_tree *tree, size_t bucket) {
    const struct field_part *leaf = leaf_of(tree, bucket);
    return leaf ? leaf->slots[slot_of(tree, 0, bucket)].entry : NULL;
}

static void fetch_entries(const struct field_tree *tree, const struct field_part *leaf) {
    for (size_t i = 0; i < slot_count(tree, 0); i++)
        memory_fetch(leaf->slots[i].entry);
}

void field_tree_fetch(const struct field_tree *tree, size_t bucket) {
    bool begins_leaf = slot_of(tree, 0, bucket) == 0;
    const struct field_part *leaf = begins_leaf ? leaf_of(tree, bucket) : NULL;
    if (leaf)
        fetch_entries(tree, leaf);
}

static struct field_part *part_copy(const struct field_tree *tree, const struct field_part *part,
                                    unsigned level, size_t *copied_bytes) {
    struct field_part *copy = memory_copy(part, part_size(tree, level));
    *copied_bytes += memory_class(part_size(tree, level));
    copy->owners = 1;
    for (size_t i = 0; i < slot_count(tree, level); i++) {
        union field_slot *slot = &copy->slots[i];
        if (level == 0)
            slot->entry = chain_copy(slot->entry, copied_bytes);
        else if (slot->part)
            slot->part->owners++;
    }
    return copy;
}

/* What the link points to is this tree's alone from now on. */
static struct field_part *part_to_change(struct field_tree *tree, struct field_part **link,
                                         unsigned level, size_t *copied_bytes) {
    struct field_part *part = *link;
    if (part == NULL) {
        *link = memory_allocate_zeroed(1, part_size(tree, level));
        (*link)->owners = 1;
        tree->bytes += memory_class(part_size(tree, level));
    } else if (part->owners > 1) {
        *link = part_copy(tree, part, level, copied_bytes);
        part->owners--;
    }
    return *link;
}

struct field_entry **field_tree_bucket_to_change(struct field_tree *tree, size_t bucket,
                                                 size_t *copied_bytes) {
    struct field_part **link = &tree->root;
    for (unsigned level = tree->level; level > 0; level--) {
        struct field_part *node = part_to_change(tree, link, level, copied_bytes);
        link = &node->slots[slot_of(tree, level, bucket)].part;
    }
    struct field_part *leaf = part_to_change(tree, link, 0, copied_bytes);
    return &leaf->slots[slot_of(tree, 0, bucket)].entry;
}

/* ---- letting go ---- */

static bool part_free_some(const struct field_tree *tree, struct field_part **link, unsigned level,
                           size_t *elements);

/* What hangs on a slot of a part that nobody shares. */
static bool slot_free_some(const struct field_tree *tree, union field_slot *slot, unsigned level,
                           size_t *elements) {
    if (level > 0)
        return part_free_some(tree, &slot->part, level - 1, elements);
    size_t count = chain_free(slot->entry);
    slot->entry = NULL;
    *elements -= count < *elements ? count : *elements;
    return true;
}

/* From its end. The depth is the tree's. */
static bool part_free_some(const struct field_tree *tree, struct field_part **link, unsigned level,
                           size_t *elements) {
    struct field_part *part = *link;
    if (part == NULL)
        return true;
    if (*elements == 0)
        return false;
    if (level == 0 && part->owners == 1)
        fetch_entries(tree, part);
    for (size_t i = part->owners > 1 ? 0 : slot_count(tree, level); i > 0 && *elements > 0; i--)
        if (!slot_free_some(tree, &part->slots[i - 1], level, elements))
            return false;
    if (*elements == 0)
        return false;
    --*elements;
    if (--part->owners == 0)
        memory_free(part);
    *link = NULL;
    return true;
}

bool field_tree_free_some(struct field_tree *tree, size_t *elements) {
    return part_free_some(tree, &tree->root, tree->level, elements);
}

/* Of a part that is this tree's alone the slots are empty, but for a leaf's. */
static void part_drop(struct field_tree *tree, struct field_part **link, unsigned level) {
    struct field_part *part = *link;
    tree->bytes -= memory_class(part_size(tree, level));
    *link = NULL;
    if (--part->owners > 0)
        return;
    for (size_t i = 0; level == 0 && i < slot_count(tree, level); i++)
        chain_free(part->slots[i].entry);
    memory_free(part);
}

static bool ends_part(const struct field_tree *tree, unsigned level, size_t bucket) {
    size_t span = (size_t)1 << (bits_below(level) + slot_bits(tree, level));
    return ((bucket + 1) & (span - 1)) == 0;
}

/* A part that ends with this leaf goes with it: as it is if it is shared. */
static void drop_leaf(struct field_tree *tree, struct field_part **link, unsigned level,
                      size_t last_bucket) {
    bool is_end = ends_part(tree, level, last_bucket);
    size_t slot = slot_of(tree, level, last_bucket), copied_bytes = 0;
    if (*link == NULL || (!is_end && (*link)->slots[slot].part == NULL))
        return;
    if (level > 0 && !(is_end && (*link)->owners > 1)) {
        struct field_part *node = part_to_change(tree, link, level, &copied_bytes);
        drop_leaf(tree, &node->slots[slot].part, level - 1, last_bucket);
    }
    if (is_end)
        part_drop(tree, link, level);
}

void field_tree_pass(struct field_tree *tree, size_t bucket) {
    if (ends_part(tree, 0, bucket))
        drop_leaf(tree, &tree->root, tree->level, bucket);
}
