/* What the files of the codec share: codec.c, the datagram and its sections; codec_item.c, the
 * items of its lists. */
#pragma once
#include "gossip/wire/codec.h"

/* Fail by the cursor, and leave zeros. */
void codec_read_uuid(struct cursor *in, uint8_t uuid[GOSSIP_UUID_BYTES]);
uint64_t codec_read_number(struct cursor *in);
void codec_read_address(struct cursor *in, struct gossip_address *address);
void codec_append_address(struct buffer *out, const struct gossip_address *address);

/* Is every item of a list well formed? */
bool codec_check_records(struct bytes list, const struct codec_wire *wire);
bool codec_check_groups(struct bytes list, const struct codec_wire *wire);
bool codec_check_digests(struct bytes list, const struct codec_wire *wire);

/* Takes back what was appended since `length`, if not all of it fitted: false then. */
bool codec_fitted(struct codec_writer *writer, size_t length);
void codec_patch_u16(struct codec_writer *writer, size_t at, size_t value);
