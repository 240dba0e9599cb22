/* The peer plane's messages are made and linked: a batch survives packing, in the bytes that
 * protobuf prescribes. */
#include "../unit.h"
#include "wire/health.pb-c.h"
#include "wire/peer.pb-c.h"

static void test_batch_survives_packing(void **state) {
    (void)state;
    uint8_t entries[] = {1, 2, 3};
    Trothdb__Peer__V1__RaftMessage message = TROTHDB__PEER__V1__RAFT_MESSAGE__INIT;
    message.shard = 3;
    message.term = 300;
    message.entries = (ProtobufCBinaryData){.len = sizeof entries, .data = entries};
    Trothdb__Peer__V1__RaftMessage *messages[] = {&message};
    Trothdb__Peer__V1__PeerBatch batch = TROTHDB__PEER__V1__PEER_BATCH__INIT;
    batch.from = 1;
    batch.n_raft = 1;
    batch.raft = messages;
    static const uint8_t golden[] = {0x10, 1,              /* from */
                                     0x22, 10,             /* raft, 10 bytes */
                                     0x08, 3,              /* shard */
                                     0x18, 0xac, 2,        /* term 300 */
                                     0x6a, 3,    1, 2, 3}; /* entries */
    uint8_t packed[64];
    assert_int_equal(trothdb__peer__v1__peer_batch__get_packed_size(&batch), sizeof golden);
    assert_int_equal(trothdb__peer__v1__peer_batch__pack(&batch, packed), sizeof golden);
    assert_memory_equal(packed, golden, sizeof golden);
    Trothdb__Peer__V1__PeerBatch *read =
        trothdb__peer__v1__peer_batch__unpack(NULL, sizeof golden, golden);
    assert_non_null(read);
    assert_int_equal(read->from, 1);
    assert_int_equal(read->raft[0]->term, 300);
    trothdb__peer__v1__peer_batch__free_unpacked(read, NULL);
}

static void test_health_numbers(void **state) {
    (void)state;
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    uint8_t packed[8];
    assert_int_equal(grpc__health__v1__health_check_response__pack(&response, packed), 2);
    assert_memory_equal(packed, "\x08\x01", 2);
}

RUN_TESTS(cmocka_unit_test(test_batch_survives_packing), cmocka_unit_test(test_health_numbers))
