#include "sim/world/fifo.h"
#include "base/memory.h"

void fifo_init(struct fifo *fifo) { *fifo = (struct fifo){0}; }

void fifo_clear(struct fifo *fifo) {
    struct packet *packet;
    while ((packet = fifo_pop(fifo)))
        memory_free(packet);
}

struct packet *packet_new(struct bytes bytes, struct bytes sealed) {
    struct packet *packet = memory_allocate(sizeof *packet + bytes.length + sealed.length);
    packet->length = bytes.length;
    packet->sealed_length = sealed.length;
    if (bytes.length)
        memcpy(packet->data, bytes.data, bytes.length);
    if (sealed.length)
        memcpy(packet->data + bytes.length, sealed.data, sealed.length);
    return packet;
}

void fifo_push(struct fifo *fifo, struct bytes bytes) {
    fifo_push_packet(fifo, packet_new(bytes, BYTES_NONE));
}

void fifo_push_packet(struct fifo *fifo, struct packet *packet) {
    packet->next = NULL;
    if (fifo->last)
        fifo->last->next = packet;
    else
        fifo->first = packet;
    fifo->last = packet;
    fifo->count++;
    fifo->bytes += packet->length;
}

struct packet *fifo_pop(struct fifo *fifo) {
    struct packet *packet = fifo->first;
    if (packet == NULL)
        return NULL;
    fifo->first = packet->next;
    if (fifo->first == NULL)
        fifo->last = NULL;
    fifo->count--;
    fifo->bytes -= packet->length;
    return packet;
}
