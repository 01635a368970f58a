/* An application that stops in the middle of a search, and never polls again.
 *
 *     stuck TTY SERVICE DIRECTORY unguarded|LIMIT_MS */
#include <cellscan_gateway.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char why[200] = "";
    cellscan_gateway_config config;
    cellscan_gateway *gateway;
    cellscan_policy policy;
    cellscan_event event;
    struct pollfd fd = {.events = POLLIN};

    if (argc != 5)
        return 100;
    cellscan_policy_default(&policy);
    policy.strategy = CELLSCAN_STRATEGY_GOOD_ENOUGH;
    policy.budget_ms = 240000;
    cellscan_gateway_defaults(&config);
    config.policy = &policy;
    config.backend = CELLSCAN_GATEWAY_BACKEND_NATIVE;
    config.baud = 9600;
    config.port = argv[1];
    config.service = argv[2];
    config.run_dir = config.state_dir = config.lock_dir = argv[3];
    if (strcmp(argv[4], "unguarded") == 0)
        config.guard_mode = CELLSCAN_GUARD_MODE_OFF;
    else
        config.hold_limit_ms = (uint32_t)atoi(argv[4]);
    cellscan_code code = cellscan_gateway_open(&config, &gateway, why, sizeof why);
    if (code != CELLSCAN_CODE_OK || cellscan_gateway_scan(gateway, 1, CELLSCAN_ORIGIN_MANUAL) != CELLSCAN_CODE_OK) {
        fprintf(stderr, "%s %s\n", cellscan_code_text(code), why);
        return 111;
    }
    cellscan_gateway_fd(gateway, &fd.fd);
    printf("waiting\n");
    for (;;) {
        fflush(stdout);
        if (cellscan_gateway_poll(gateway, &event) != CELLSCAN_CODE_OK)
            poll(&fd, 1, -1);
        else if (event.kind == CELLSCAN_EVENT_KIND_MOVED && event.to == CELLSCAN_PHASE_WAIT_RESULTS)
            break;
    }
    if (cellscan_gateway_close(gateway) != CELLSCAN_CODE_BUSY)
        return 1;
    printf("state 4\n");
    fflush(stdout);
    for (;;)
        pause();
}
