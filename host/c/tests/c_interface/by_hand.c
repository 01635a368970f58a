/* An application whose pppd has no supervisor, and which has blocked a signal and opened a file.
 *
 *     by_hand TTY COMMAND DIRECTORY */
#include <cellscan_gateway.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    char why[200] = "";
    cellscan_gateway_config config;
    cellscan_gateway *gateway;
    cellscan_event event = {0};
    cellscan_report report;
    struct pollfd fd = {.events = POLLIN};
    sigset_t signals;

    if (argc != 4)
        return 100;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    cellscan_gateway_defaults(&config);
    config.backend = CELLSCAN_GATEWAY_BACKEND_UNSUPERVISED;
    config.port = argv[1];
    config.start_command = argv[2];
    config.run_dir = config.state_dir = config.lock_dir = argv[3];
    printf("waiting\n");
    if (cellscan_gateway_open(&config, &gateway, why, sizeof why) != CELLSCAN_CODE_OK) {
        printf("%s\n", why);
        return 100;
    }
    if (cellscan_gateway_scan(gateway, 1, CELLSCAN_ORIGIN_MANUAL) != CELLSCAN_CODE_OK) {
        printf("%s\n", cellscan_gateway_error(gateway));
        return 111;
    }
    cellscan_gateway_fd(gateway, &fd.fd);
    while (event.kind != CELLSCAN_EVENT_KIND_FINISHED)
        if (cellscan_gateway_poll(gateway, &event) == CELLSCAN_CODE_WOULD_BLOCK)
            poll(&fd, 1, -1);
    cellscan_gateway_report(gateway, &report);
    if (cellscan_gateway_close(gateway) != CELLSCAN_CODE_OK)
        return 1;
    return report.outcome == CELLSCAN_OUTCOME_COMPLETE && report.given_back ? 0 : 1;
}
