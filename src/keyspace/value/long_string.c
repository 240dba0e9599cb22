#include "keyspace/value/long_string.h"
#include "base/check.h"
#include "base/memory.h"
#include "keyspace/value/memory_class.h"

struct piece {
    uint64_t owners;
    uint8_t *bytes; /* owned: LONG_STRING_PIECE_BYTES, zeros behind the string's end */
};

struct long_string {
    struct piece **pieces; /* owned array; NULL in it: zeros */
    size_t length, piece_count, capacity;
    struct long_string *view; /* of it, borrowed; NULL: there is none */
    /* Of a view: */
    struct long_string *viewed; /* borrowed; NULL: it was given, or is freed */
    uint64_t *kept_bytes;       /* borrowed; NULL: this is none */
    uint64_t own_bytes;         /* our part of those */
};

/* ---- pieces ---- */

/* Takes the bytes. */
static struct piece *piece_new(uint8_t *bytes) {
    struct piece *piece = memory_allocate(sizeof *piece);
    *piece = (struct piece){.owners = 1, .bytes = bytes};
    return piece;
}

static void piece_release(struct piece *piece) {
    if (piece == NULL || --piece->owners > 0)
        return;
    memory_free(piece->bytes);
    memory_free(piece);
}

static size_t piece_memory_bytes(void) {
    return memory_class(sizeof(struct piece)) + memory_class(LONG_STRING_PIECE_BYTES);
}

/* ---- making and freeing ---- */

static size_t pieces_of(size_t length) {
    return (length + LONG_STRING_PIECE_BYTES - 1) / LONG_STRING_PIECE_BYTES;
}

struct long_string *long_string_new(size_t length) {
    struct long_string *string = memory_allocate_zeroed(1, sizeof *string);
    long_string_extend(string, length);
    return string;
}

/* The copy is on its way to other places: what a piece counts lies elsewhere. */
struct long_string *long_string_share(const struct long_string *string) {
    struct long_string *other = long_string_new(string->length);
    for (size_t i = 0; i < string->piece_count; i++)
        memory_fetch(string->pieces[i]);
    for (size_t i = 0; i < string->piece_count; i++) {
        other->pieces[i] = string->pieces[i];
        if (other->pieces[i])
            other->pieces[i]->owners++;
    }
    return other;
}

static void view_count(struct long_string *view, uint64_t own_bytes) {
    *view->kept_bytes += own_bytes - view->own_bytes;
    view->own_bytes = own_bytes;
}

/* From now on its view alone holds what the string held. */
static void view_leave(struct long_string *string) {
    if (string->view == NULL)
        return;
    string->view->viewed = NULL;
    view_count(string->view, long_string_memory_bytes(string->view));
    string->view = NULL;
}

bool long_string_free_some(struct long_string *string, size_t *elements) {
    view_leave(string);
    for (; string->piece_count > 0 && *elements > 0; string->piece_count--) {
        piece_release(string->pieces[string->piece_count - 1]);
        *elements -=
            *elements < LONG_STRING_PIECE_ELEMENTS ? *elements : LONG_STRING_PIECE_ELEMENTS;
    }
    if (string->piece_count > 0)
        return false;
    memory_free(string->pieces);
    memory_free(string);
    return true;
}

void long_string_free(struct long_string *string) {
    size_t all = SIZE_MAX;
    CHECK(string == NULL || long_string_free_some(string, &all));
}

/* ---- looking ---- */

size_t long_string_length(const struct long_string *string) { return string->length; }

size_t long_string_memory_bytes(const struct long_string *string) {
    return memory_class(sizeof *string) +
           memory_class(string->piece_count * sizeof(struct piece *)) +
           string->piece_count * piece_memory_bytes();
}

struct bytes long_string_piece(const struct long_string *string, size_t offset, size_t maximum) {
    static const uint8_t zeros[LONG_STRING_PIECE_BYTES];
    CHECK(offset <= string->length);
    if (offset == string->length)
        return BYTES_NONE;
    size_t within = offset % LONG_STRING_PIECE_BYTES;
    size_t length = LONG_STRING_PIECE_BYTES - within;
    length = length < string->length - offset ? length : string->length - offset;
    const struct piece *piece = string->pieces[offset / LONG_STRING_PIECE_BYTES];
    return bytes_of((piece ? piece->bytes : zeros) + within, length < maximum ? length : maximum);
}

void long_string_read(const struct long_string *string, size_t offset, uint8_t *room,
                      size_t length) {
    CHECK(offset <= string->length && length <= string->length - offset);
    while (length > 0) {
        struct bytes piece = long_string_piece(string, offset, length);
        memcpy(room, piece.data, piece.length);
        room += piece.length;
        offset += piece.length;
        length -= piece.length;
    }
}

uint64_t long_string_hash(const struct long_string *string, uint64_t seed) {
    struct bytes_hasher *hasher = bytes_hasher_new(seed);
    for (size_t offset = 0; offset < string->length; offset += LONG_STRING_PIECE_BYTES)
        bytes_hasher_add(hasher, long_string_piece(string, offset, SIZE_MAX));
    uint64_t hash = bytes_hasher_sum(hasher);
    bytes_hasher_free(hasher);
    return hash;
}

/* ---- changing ---- */

void long_string_extend(struct long_string *string, size_t length) {
    CHECK(length >= string->length);
    size_t piece_count = pieces_of(length);
    if (piece_count > string->capacity) {
        size_t doubled = string->capacity * 2;
        string->capacity = piece_count > doubled ? piece_count : doubled;
        string->pieces = memory_resize(string->pieces, string->capacity * sizeof(struct piece *));
    }
    for (; string->piece_count < piece_count; string->piece_count++)
        string->pieces[string->piece_count] = NULL;
    string->length = length;
}

static uint8_t *bytes_copied(const struct piece *piece, bool is_overwritten) {
    if (is_overwritten)
        return memory_allocate(LONG_STRING_PIECE_BYTES);
    return piece ? memory_copy(piece->bytes, LONG_STRING_PIECE_BYTES)
                 : memory_allocate_zeroed(1, LONG_STRING_PIECE_BYTES);
}

/* A piece that is this string's alone from now on; if all of it is going to be overwritten, it may
 * hold anything. What had to be made anew because a view shares it is held for that. */
static struct piece *piece_to_change(struct long_string *string, size_t number,
                                     bool is_overwritten) {
    struct piece *piece = string->pieces[number];
    if (piece && piece->owners == 1)
        return piece;
    string->pieces[number] = piece_new(bytes_copied(piece, is_overwritten));
    if (piece)
        piece->owners--;
    if (piece && string->view)
        view_count(string->view, string->view->own_bytes + piece_memory_bytes());
    return string->pieces[number];
}

void long_string_write(struct long_string *string, size_t offset, struct bytes bytes) {
    CHECK(offset <= string->length && bytes.length <= string->length - offset);
    while (bytes.length > 0) {
        size_t within = offset % LONG_STRING_PIECE_BYTES, room = LONG_STRING_PIECE_BYTES - within;
        size_t length = bytes.length < room ? bytes.length : room;
        struct piece *piece = piece_to_change(string, offset / LONG_STRING_PIECE_BYTES,
                                              length == LONG_STRING_PIECE_BYTES);
        memcpy(piece->bytes + within, bytes.data, length);
        bytes = bytes_of(bytes.data + length, bytes.length - length);
        offset += length;
    }
}

/* ---- viewing ---- */

struct long_string *long_string_view(struct long_string *string, bool is_given,
                                     uint64_t *kept_bytes) {
    if (is_given)
        view_leave(string);
    else
        CHECK(string->view == NULL);
    struct long_string *view = is_given ? string : long_string_share(string);
    view->kept_bytes = kept_bytes;
    view->viewed = is_given ? NULL : string;
    if (is_given)
        view_count(view, long_string_memory_bytes(view));
    else
        string->view = view;
    return view;
}

struct long_string *long_string_end_view(struct long_string *view) {
    if (view->viewed)
        view->viewed->view = NULL;
    view_count(view, 0);
    view->viewed = NULL;
    view->kept_bytes = NULL;
    return view;
}
