/* The state machine over callbacks: a supervisor, a modem and a clock in thirty lines each, as in firmware. A scan over them
 * takes no real time, since the clock is moved to each deadline. */
#include <cellscan.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(holds) \
    do { if (!(holds)) { printf("line %d: %s does not hold\n", __LINE__, #holds); return 1; } } while (0)

enum trouble { NONE, SLOW, MUTE, FAILING, NESTED };

struct world {
    /* Of the exact size, and on the heap, so that valgrind sees an access beyond its end. */
    cellscan *machine;
    enum trouble trouble;
    uint64_t now_ms;
    uint32_t want;
    int open, asked, released, noted, answered, nested;
    cellscan_code nested_code;
    char out[512];
    size_t out_len, out_at;
    char command[CELLSCAN_COMMAND_LEN_MAX + 1];
    char selected[8];
};

static uint64_t now_ms(void *ctx) { return ((struct world *)ctx)->now_ms; }

static int32_t open_line(void *ctx)
{
    struct world *world = ctx;
    if (world->trouble == SLOW && world->open++ == 0)
        return CELLSCAN_ANSWER_LATER;
    return CELLSCAN_ANSWER_DONE;
}

static int32_t read_line(void *ctx, uint8_t *bytes, size_t len)
{
    struct world *world = ctx;
    size_t count = world->out_len - world->out_at;
    if (count > len)
        count = len;
    memcpy(bytes, world->out + world->out_at, count);
    world->out_at += count;
    return (int32_t)count;
}

static void say(struct world *world, const char *text)
{
    if (world->out_at == world->out_len)
        world->out_at = world->out_len = 0;
    size_t len = strlen(text);
    memcpy(world->out + world->out_len, text, len);
    world->out_len += len;
}

/* A modem with two carriers, the second the better one. */
static int32_t write_line(void *ctx, const uint8_t *bytes, size_t len)
{
    struct world *world = ctx;
    if (world->trouble == MUTE)
        return CELLSCAN_ANSWER_DONE;
    if (world->trouble == NESTED && world->nested++ == 0)
        world->nested_code = cellscan_abort(world->machine);
    memcpy(world->command, bytes, len);
    world->command[len] = 0;
    const char *command = world->command;
    world->answered++;
    if (strncmp(command, "AT+COPS=?", 9) == 0)
        say(world, "\r\n+COPS: (1,\"One\",\"One\",\"26201\",7),(1,\"Two\",\"Two\",\"26202\",7),,(0-4),(0-2)\r\n");
    else if (strncmp(command, "AT+COPS=1,2,\"", 13) == 0)
        snprintf(world->selected, sizeof world->selected, "%.5s", command + 13);
    else if (strncmp(command, "AT+COPS=0", 9) == 0)
        strcpy(world->selected, "26201");
    else if (strncmp(command, "AT+COPS?", 8) == 0) {
        char line[64];
        snprintf(line, sizeof line, "\r\n+COPS: 1,2,\"%s\",7\r\n", world->selected);
        say(world, line);
    } else if (strncmp(command, "AT+CEREG?", 9) == 0)
        say(world, "\r\n+CEREG: 0,1\r\n");
    else if (strncmp(command, "AT+CSQ", 6) == 0)
        say(world, strcmp(world->selected, "26202") == 0 ? "\r\n+CSQ: 25,99\r\n" : "\r\n+CSQ: 12,99\r\n");
    else if (strncmp(command, "AT+CPIN?", 8) == 0)
        say(world, "\r\n+CPIN: READY\r\n");
    say(world, "\r\nOK\r\n");
    return CELLSCAN_ANSWER_DONE;
}

static int32_t ask(void *ctx, uint32_t want)
{
    struct world *world = ctx;
    if (world->trouble == FAILING && world->asked++ == 0)
        return -7;
    world->want = want;
    return CELLSCAN_ANSWER_DONE;
}

static int32_t status(void *ctx, cellscan_service *now)
{
    struct world *world = ctx;
    now->supervised = 1;
    now->want = world->want;
    now->state = world->want == CELLSCAN_WANT_DOWN ? CELLSCAN_SERVICE_STATE_DOWN : CELLSCAN_SERVICE_STATE_RUN;
    now->pid = world->want == CELLSCAN_WANT_DOWN ? 0 : 7;
    return CELLSCAN_ANSWER_DONE;
}

static void note(void *ctx, const cellscan_selection *selection)
{
    ((struct world *)ctx)->noted = selection->kind == CELLSCAN_SELECTION_KIND_MANUAL ? 1 : -1;
}

static int32_t release(void *ctx)
{
    ((struct world *)ctx)->released++;
    return CELLSCAN_ANSWER_DONE;
}

static const cellscan_ops OPS = {
    .now_ms = now_ms, .open = open_line, .read = read_line, .write = write_line,
    .ask = ask, .status = status, .note = note, .release = release,
};

/* Runs one scan; returns the number of events of a failed callback, -1 if the scan did not end. */
static int scan(struct world *world, enum trouble trouble, cellscan_event *end)
{
    cellscan *machine = world->machine;
    memset(world, 0, sizeof *world);
    world->machine = machine;
    world->trouble = trouble;
    world->want = CELLSCAN_WANT_UP;
    strcpy(world->selected, "26201");
    if (cellscan_init(world->machine, cellscan_size(), CELLSCAN_ABI, &OPS, world, NULL) != CELLSCAN_CODE_OK)
        return -1;
    if (cellscan_request(world->machine, 1, CELLSCAN_ORIGIN_MANUAL) != CELLSCAN_CODE_OK)
        return -1;
    int failed = 0;
    for (int polls = 0; polls < 100000; polls++) {
        uint64_t at_ms;
        cellscan_code code = cellscan_poll(world->machine, end);
        if (code == CELLSCAN_CODE_OK && end->kind == CELLSCAN_EVENT_KIND_FINISHED)
            return failed;
        if (code == CELLSCAN_CODE_SUPERVISOR && end->error == -7)
            failed++;
        else if (code == CELLSCAN_CODE_WOULD_BLOCK) {
            if (cellscan_next_deadline(world->machine, &at_ms) != CELLSCAN_CODE_OK || at_ms == CELLSCAN_NEVER)
                return -1;
            if (at_ms > world->now_ms)
                world->now_ms = at_ms;
        } else if (code != CELLSCAN_CODE_OK)
            return -1;
    }
    return -1;
}

int main(void)
{
    static struct world world;
    cellscan_event end;
    cellscan_report report;
    cellscan_carrier carrier;
    uint32_t settled = 0;

    CHECK(cellscan_size() <= sizeof(cellscan));
    world.machine = malloc(cellscan_size());
    CHECK(world.machine != NULL && cellscan_poll(world.machine, NULL) == CELLSCAN_CODE_NULL);
    for (enum trouble trouble = NONE; trouble <= SLOW; trouble++) {
        CHECK(scan(&world, trouble, &end) == 0);
        CHECK(end.outcome == CELLSCAN_OUTCOME_COMPLETE);
        CHECK(cellscan_report_now(world.machine, &report) == CELLSCAN_CODE_OK);
        CHECK(strcmp(report.before, "26201") == 0 && strcmp(report.selected, "26202") == 0 && report.given_back);
        CHECK(cellscan_carrier_at(world.machine, 1, &carrier) == CELLSCAN_CODE_OK);
        CHECK(strcmp(carrier.name, "Two") == 0 && carrier.rssi_dbm == -63 && carrier.technologies == 1u << 7);
        CHECK(carrier.trial == CELLSCAN_TRIAL_REGISTERED && carrier.rsrp_dbm == CELLSCAN_UNKNOWN);
        CHECK(cellscan_carrier_at(world.machine, 2, &carrier) == CELLSCAN_CODE_RANGE);
        CHECK(world.want == CELLSCAN_WANT_UP && world.released == 1 && world.noted == -1);
        CHECK(cellscan_is_settled(world.machine, &settled) == CELLSCAN_CODE_OK && settled == 1);
    }

    CHECK(scan(&world, MUTE, &end) == 0);
    CHECK(end.outcome == CELLSCAN_OUTCOME_FAILED && end.failure == CELLSCAN_FAILURE_MODEM_SILENT);
    CHECK(world.want == CELLSCAN_WANT_UP && world.released == 1 && world.answered == 0);

    CHECK(scan(&world, FAILING, &end) == 1);
    CHECK(world.want == CELLSCAN_WANT_UP && world.released == 1);

    CHECK(scan(&world, NESTED, &end) == 0);
    CHECK(world.nested_code == CELLSCAN_CODE_BUSY && end.outcome == CELLSCAN_OUTCOME_COMPLETE);
    printf("%zu of %zu bytes, done\n", cellscan_size(), sizeof(cellscan));
    free(world.machine);
    return 0;
}
