/* A first-in first-out queue of owned packets of bytes. */
#pragma once
#include "base/bytes.h"

struct packet {
    struct packet *next;
    size_t length;
    size_t sealed_length; /* what travels of it under a seal, behind it; 0: it travels as it is */
    uint8_t data[];
};
struct fifo {
    struct packet *first, *last;
    size_t count, bytes;
};

struct packet *packet_new(struct bytes bytes, struct bytes sealed); /* returns owned; copies */

void fifo_init(struct fifo *fifo);
void fifo_clear(struct fifo *fifo);
void fifo_push(struct fifo *fifo, struct bytes bytes);           /* copies */
void fifo_push_packet(struct fifo *fifo, struct packet *packet); /* takes it */
struct packet *fifo_pop(struct fifo *fifo); /* returns owned (memory_free), or NULL */
static inline struct bytes packet_bytes(const struct packet *packet) {
    return bytes_of(packet->data, packet->length);
}
static inline struct bytes packet_sealed(const struct packet *packet) {
    return bytes_of(packet->data + packet->length, packet->sealed_length);
}
