/* Wrong calls, and the codes that they return. */
#include <cellscan_gateway.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CHECK(call, code) \
    do { \
        int32_t came = (call); \
        if (came != (code)) { printf("line %d: %s: %s\n", __LINE__, #call, cellscan_code_text(came)); return 1; } \
    } while (0)

static uint64_t now_ms(void *ctx) { (void)ctx; return 0; }
static int32_t nothing(void *ctx, uint8_t *bytes, size_t len) { (void)ctx; (void)bytes; (void)len; return 0; }
static int32_t sent(void *ctx, const uint8_t *bytes, size_t len) { (void)ctx; (void)bytes; (void)len; return 0; }
static int32_t asked(void *ctx, uint32_t want) { (void)ctx; (void)want; return 0; }
static int32_t nonsense(void *ctx, cellscan_service *now) { (void)ctx; now->state = 77; return 0; }

static int machines(void)
{
    static cellscan machine;
    static union { cellscan machine; char bytes[sizeof(cellscan) + 8]; } twisted;
    cellscan *crooked = (cellscan *)(void *)(twisted.bytes + 1);
    cellscan_ops ops = {.now_ms = now_ms, .read = nothing, .write = sent, .ask = asked, .status = nonsense};
    cellscan_policy policy;
    cellscan_event event;
    cellscan_selection selection = {.kind = CELLSCAN_SELECTION_KIND_MANUAL, .plmn = "2620x"};
    uint64_t at_ms;

    CHECK((int32_t)cellscan_abi(), CELLSCAN_ABI);
    CHECK(cellscan_poll(NULL, &event), CELLSCAN_CODE_NULL);
    CHECK(cellscan_poll(&machine, NULL), CELLSCAN_CODE_NULL);
    CHECK(cellscan_poll(&machine, &event), CELLSCAN_CODE_NOT_INIT);
    CHECK(cellscan_poll(crooked, &event), CELLSCAN_CODE_ALIGN);
    CHECK(cellscan_policy_default(NULL), CELLSCAN_CODE_NULL);
    CHECK(cellscan_policy_default(&policy), CELLSCAN_CODE_OK);

    CHECK(cellscan_init(&machine, sizeof machine, CELLSCAN_ABI + 1, &ops, NULL, NULL), CELLSCAN_CODE_ABI);
    CHECK(cellscan_init(&machine, 100, CELLSCAN_ABI, &ops, NULL, NULL), CELLSCAN_CODE_SIZE);
    CHECK(cellscan_init(crooked, sizeof machine, CELLSCAN_ABI, &ops, NULL, NULL), CELLSCAN_CODE_ALIGN);
    CHECK(cellscan_init(&machine, sizeof machine, CELLSCAN_ABI, NULL, NULL, NULL), CELLSCAN_CODE_NULL);
    CHECK(cellscan_init(NULL, sizeof machine, CELLSCAN_ABI, &ops, NULL, NULL), CELLSCAN_CODE_NULL);
    ops.ask = NULL;
    CHECK(cellscan_init(&machine, sizeof machine, CELLSCAN_ABI, &ops, NULL, NULL), CELLSCAN_CODE_NULL);
    ops.ask = asked;
    policy.strategy = 9;
    CHECK(cellscan_init(&machine, sizeof machine, CELLSCAN_ABI, &ops, NULL, &policy), CELLSCAN_CODE_VALUE);
    CHECK(cellscan_poll(&machine, &event), CELLSCAN_CODE_NOT_INIT);
    CHECK(cellscan_init(&machine, sizeof machine, CELLSCAN_ABI, &ops, NULL, NULL), CELLSCAN_CODE_OK);

    CHECK(cellscan_next_deadline(&machine, &at_ms), CELLSCAN_CODE_OK);
    if (at_ms != CELLSCAN_NEVER)
        return 1;
    CHECK(cellscan_request(&machine, 1, 3), CELLSCAN_CODE_VALUE);
    CHECK(cellscan_remember(&machine, NULL), CELLSCAN_CODE_NULL);
    CHECK(cellscan_remember(&machine, "26"), CELLSCAN_CODE_VALUE);
    CHECK(cellscan_restore(&machine, &selection), CELLSCAN_CODE_VALUE);
    CHECK(cellscan_poll(&machine, &event), CELLSCAN_CODE_WOULD_BLOCK);
    CHECK(cellscan_abort(&machine), CELLSCAN_CODE_OK);

    /* A supervisor with an invalid answer counts as failed. */
    CHECK(cellscan_request(&machine, 1, CELLSCAN_ORIGIN_MANUAL), CELLSCAN_CODE_OK);
    int32_t code;
    while ((code = cellscan_poll(&machine, &event)) == CELLSCAN_CODE_OK)
        ;
    CHECK(code, CELLSCAN_CODE_SUPERVISOR);
    CHECK(event.error, 77);
    if (strcmp(cellscan_phase_number(2), "1b") || strcmp(cellscan_phase_number(99), "?"))
        return 1;
    return strcmp(cellscan_failure_name(CELLSCAN_FAILURE_NO_CARRIER), "no_carrier") != 0;
}

static void *elsewhere(void *gateway)
{
    static int32_t code;
    cellscan_event event;
    code = cellscan_gateway_poll(gateway, &event);
    return &code;
}

static int gateways(void)
{
    char why[100] = "";
    char twisted[64] = {0};
    cellscan_gateway_config config;
    cellscan_gateway *gateway = NULL;
    cellscan_event event;
    cellscan_policy policy;
    int fd;

    CHECK(cellscan_gateway_defaults(NULL), CELLSCAN_CODE_NULL);
    CHECK(cellscan_gateway_defaults(&config), CELLSCAN_CODE_OK);
    CHECK(cellscan_gateway_open(NULL, &gateway, why, sizeof why), CELLSCAN_CODE_NULL);
    CHECK(cellscan_gateway_open(&config, NULL, why, sizeof why), CELLSCAN_CODE_NULL);
    CHECK(cellscan_gateway_open(&config, &gateway, NULL, 0), CELLSCAN_CODE_NULL);
    CHECK(cellscan_gateway_open(&config, &gateway, why, 5), CELLSCAN_CODE_NULL);
    if (strcmp(why, "port") != 0)
        return 1;
    config.port = "/dev/\xff";
    CHECK(cellscan_gateway_open(&config, &gateway, why, sizeof why), CELLSCAN_CODE_VALUE);
    config.port = "";
    CHECK(cellscan_gateway_open(&config, &gateway, why, sizeof why), CELLSCAN_CODE_VALUE);
    config.port = "/dev/nothing";
    config.guard = "/nothing/cellscan";
    CHECK(cellscan_gateway_open(&config, &gateway, why, sizeof why), CELLSCAN_CODE_NO_GUARD);
    config.guard_mode = 2;
    CHECK(cellscan_gateway_open(&config, &gateway, why, sizeof why), CELLSCAN_CODE_VALUE);
    config.guard_mode = CELLSCAN_GUARD_MODE_OFF;
    config.abi = 0;
    CHECK(cellscan_gateway_open(&config, &gateway, why, sizeof why), CELLSCAN_CODE_ABI);
    config.abi = CELLSCAN_ABI;
    CHECK(cellscan_policy_default(&policy), CELLSCAN_CODE_OK);
    policy.budget_ms = 1;
    config.policy = &policy;
    CHECK(cellscan_gateway_open(&config, &gateway, why, sizeof why), CELLSCAN_CODE_VALUE);
    policy.budget_ms = 300000;
    CHECK(cellscan_gateway_open(&config, &gateway, why, sizeof why), CELLSCAN_CODE_OK);

    CHECK(cellscan_gateway_poll((cellscan_gateway *)(void *)(twisted + 1), &event), CELLSCAN_CODE_ALIGN);
    CHECK(cellscan_gateway_poll(NULL, &event), CELLSCAN_CODE_NULL);
    CHECK(cellscan_gateway_poll(gateway, NULL), CELLSCAN_CODE_NULL);
    CHECK(cellscan_gateway_poll(gateway, &event), CELLSCAN_CODE_WOULD_BLOCK);
    CHECK(cellscan_gateway_fd(gateway, &fd), CELLSCAN_CODE_OK);
    CHECK(cellscan_gateway_scan(gateway, 1, 3), CELLSCAN_CODE_VALUE);
    CHECK(cellscan_gateway_scan(gateway, 1, CELLSCAN_ORIGIN_MANUAL), CELLSCAN_CODE_SYSTEM);
    if (strstr(cellscan_gateway_error(gateway), "unable to find /dev/nothing") == NULL)
        return 1;
    CHECK(cellscan_gateway_abort(gateway), CELLSCAN_CODE_OK);

    pthread_t thread;
    void *answer;
    if (pthread_create(&thread, NULL, elsewhere, gateway) != 0 || pthread_join(thread, &answer) != 0)
        return 1;
    CHECK(*(int32_t *)answer, CELLSCAN_CODE_THREAD);
    CHECK(cellscan_gateway_close(NULL), CELLSCAN_CODE_NULL);
    CHECK(cellscan_gateway_close(gateway), CELLSCAN_CODE_OK);
    return 0;
}

int main(void)
{
    if (machines() || gateways())
        return 1;
    printf("done\n");
    return 0;
}
