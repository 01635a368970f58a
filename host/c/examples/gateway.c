/* The main loop of a gateway application. It used to call system("sv down pppd"), scan, and system("sv up pppd"); now cellscan
 * takes the service, scans, and gives it back, even if this program is killed in the middle.
 *
 *     gateway TTY [SERVICE [DIRECTORY]]       SIGUSR1: scan    SIGTERM, SIGINT: end
 */
#include <cellscan_gateway.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int said(const char *what, const char *why)
{
    fprintf(stderr, "gateway: %s: %s\n", what, why);
    return EXIT_FAILURE;
}

static void show_result(cellscan_gateway *gateway)
{
    cellscan_report report;
    cellscan_carrier carrier;
    for (size_t i = 0; cellscan_gateway_carrier(gateway, i, &carrier) == CELLSCAN_CODE_OK; i++)
        if (carrier.trial == CELLSCAN_TRIAL_REGISTERED)
            printf("carrier %s %s %d dBm\n", carrier.plmn, carrier.name, carrier.rssi_dbm);
    cellscan_gateway_report(gateway, &report);
    if (report.outcome == CELLSCAN_OUTCOME_COMPLETE)
        printf("selected %s, link away for %u ms\n", report.selected, report.outage_ms);
    else
        printf("failed %s, %s\n", cellscan_failure_name(report.failure), report.given_back ? "given back" : "not given back");
}

int main(int argc, char **argv)
{
    char why[200] = "";
    cellscan_gateway_config config;
    cellscan_gateway *gateway;
    cellscan_gateway_defaults(&config);
    config.port = argc > 1 ? argv[1] : NULL;
    config.service = argc > 2 ? argv[2] : NULL;
    config.run_dir = config.state_dir = config.lock_dir = argc > 3 ? argv[3] : NULL;
    if (cellscan_gateway_open(&config, &gateway, why, sizeof why) != CELLSCAN_CODE_OK)
        return said("unable to open", why);

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    struct pollfd fds[2] = {{.events = POLLIN}, {.fd = signalfd(-1, &signals, SFD_CLOEXEC), .events = POLLIN}};
    cellscan_gateway_fd(gateway, &fds[0].fd);

    uint32_t scans = 0;
    int scanning = 0, ending = 0;
    printf("waiting\n");
    while (!ending || scanning) {
        cellscan_event event;
        struct signalfd_siginfo signal;
        fflush(stdout);
        poll(fds, 2, -1); /* and for the application's own descriptors */
        if (fds[1].revents & POLLIN && read(fds[1].fd, &signal, sizeof signal) == sizeof signal) {
            ending |= signal.ssi_signo != SIGUSR1;
            if (ending)
                cellscan_gateway_abort(gateway); /* the link comes back first */
            else if (cellscan_gateway_scan(gateway, ++scans, CELLSCAN_ORIGIN_MANUAL) == CELLSCAN_CODE_OK)
                scanning = 1;
            else
                said("unable to scan", cellscan_gateway_error(gateway));
        }
        while (cellscan_gateway_poll(gateway, &event) == CELLSCAN_CODE_OK) {
            if (event.kind == CELLSCAN_EVENT_KIND_MOVED)
                printf("state %s\n", cellscan_phase_number(event.to));
            else if (event.kind == CELLSCAN_EVENT_KIND_WARNING)
                said("warning", cellscan_gateway_text(gateway));
            else if (event.kind == CELLSCAN_EVENT_KIND_FINISHED)
                show_result(gateway);
            if (event.kind == CELLSCAN_EVENT_KIND_FINISHED || event.kind == CELLSCAN_EVENT_KIND_DECLINED)
                scanning = 0;
        }
    }
    close(fds[1].fd);
    return cellscan_gateway_close(gateway) == CELLSCAN_CODE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
