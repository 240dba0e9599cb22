#include "made_up.h"
#include "base/check.h"
#include <stdio.h>

static struct codec_record made_up_record(unsigned number, made_up_name name) {
    struct codec_record record = {.generation = 1, .state = GOSSIP_ALIVE, .address.port = 9};
    name(number, record.uuid);
    snprintf(record.address.host, sizeof record.address.host, "10.9.%u.%u", 100 + number / 100,
             100 + number % 100);
    return record;
}

void made_up_announce(struct world *world, unsigned node, unsigned count, made_up_name name) {
    static const struct codec_wire wire = {.version = 0};
    static const uint8_t stranger[GOSSIP_UUID_BYTES] = {0xee};
    struct codec_writer writer;
    codec_writer_init(&writer);
    for (unsigned i = 0; i < count; i++) {
        struct codec_record record = made_up_record(i, name);
        codec_begin(&writer, &wire, CODEC_NEWS, stranger, 1);
        CHECK(codec_list_begin(&writer, CODEC_SECTION_RECORDS));
        CHECK(codec_write_record(&writer, &record));
        codec_list_end(&writer);
        world_send(world, node, node, buffer_bytes(&writer.buffer));
    }
    codec_writer_release(&writer);
}
