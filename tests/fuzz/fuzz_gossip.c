/* Datagrams of gossip: a malformed one changes nothing and is answered by nothing; whatever a
 * well-formed one brings about, what is sent in return is well-formed and fits into a datagram. The
 * same bytes as the request of a stream. */
#include "base/check.h"
#include "gossip/gossip.h"
#include "gossip/wire/codec.h"
#include "gossip/wire/packing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { SECOND_US = 1000000 };

static struct gossip *make_gossip(uint8_t number) {
    struct gossip_options options = {.uuid = {number},
                                     .generation = 2,
                                     .address = {.host = "10.0.0.1", .port = 7000},
                                     .timing = {.probe_interval_us = SECOND_US,
                                                .probe_timeout_us = SECOND_US / 5,
                                                .suspicion_factor = 4,
                                                .compress_min_bytes = 1,
                                                .stream_min_bytes = 1,
                                                .wire_maximum = GOSSIP_WIRE_MAXIMUM},
                                     .has_streams = true,
                                     .seed = number,
                                     .now_us = SECOND_US};
    return gossip_new(&options);
}

/* As a receiver reads it. */
static bool is_read_within(struct bytes datagram, size_t maximum, size_t raw_maximum) {
    struct codec_message message;
    struct buffer unpacked;
    struct bytes plain;
    buffer_init(&unpacked, 2 * GOSSIP_STREAM_MESSAGE_MAXIMUM);
    bool is_good = datagram.length <= maximum &&
                   packing_unpack(datagram, raw_maximum, &unpacked, &plain) == 0 &&
                   codec_decode(&message, plain) == 0;
    buffer_release(&unpacked);
    return is_good;
}

static bool is_read(struct bytes datagram) {
    return is_read_within(datagram, GOSSIP_DATAGRAM_MAXIMUM, PACKING_RAW_MAXIMUM);
}

static void check_actions(const struct gossip_actions *actions) {
    for (size_t i = 0; i < actions->stream_count; i++)
        CHECK(actions->streams[i].bytes.length == 0 ||
              is_read_within(actions->streams[i].bytes, GOSSIP_STREAM_MESSAGE_MAXIMUM,
                             GOSSIP_STREAM_MESSAGE_MAXIMUM));
    for (size_t i = 0; i < actions->datagram_count; i++)
        CHECK(is_read(actions->datagrams[i].bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    struct bytes datagram = bytes_of(data, length);
    bool is_well_formed = is_read(datagram);
    if (!is_well_formed && length % 16 != 0)
        return 0; /* now and then one goes through the whole of it */
    struct gossip *gossip = make_gossip('a');
    struct gossip_event event = {.kind = GOSSIP_DATAGRAM,
                                 .now_us = SECOND_US,
                                 .wall_us = UINT64_C(1790000000) * SECOND_US,
                                 .address = {.host = "10.0.0.2", .port = 7000},
                                 .bytes = datagram};
    struct gossip_actions actions;
    for (unsigned again = 0; again < 2; again++) {
        gossip_step(gossip, &event, &actions);
        check_actions(&actions);
        CHECK(is_well_formed || (actions.datagram_count == 0 && actions.change_count == 0));
    }
    event.kind = GOSSIP_STREAM_ASKED;
    event.stream = 1;
    gossip_step(gossip, &event, &actions);
    check_actions(&actions);
    event.kind = GOSSIP_TICK;
    for (unsigned tick = 0; tick < 30; tick++) { /* probed, suspected, dead */
        event.now_us = actions.deadline_us;
        gossip_step(gossip, &event, &actions);
        check_actions(&actions);
    }
    CHECK(is_well_formed || gossip_member_count(gossip) == 1);
    gossip_free(gossip);
    return 0;
}
