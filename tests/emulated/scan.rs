//! A whole scan, as received by the modem at the other end of the UART.

use std::time::Duration;

use cellscan_sim::modem::{ModemEvent, ModemFault, ModemLog};
use cellscan_tests::support::wait_until;

use crate::machine::{Board, EMBASSY, Ended, MICROBIT, MPS2_AN386, VIRT, board_modem};

/// The limit until the firmware has dialled, hung up and begun to search.
const SEARCH_BEGINS: Duration = Duration::from_secs(30);

/// All commands to the modem, without repetitions: the number of registration polls depends on time.
const DIALOGUE: &[&str] = &[
    // The link, and its end.
    "ATD*99#",
    "ATH",
    // The scan synchronises, sees how the modem is set, and finds it on AT&T.
    "AT",
    "AT+CMEE?",
    "AT+CMEE=1",
    "AT+CPIN?",
    "AT+COPS?",
    "AT+COPS=3,2",
    "AT+COPS?",
    "AT+COPS=2",
    "AT+COPS=?",
    // Three candidates, one that refuses, the carrier before the scan last.
    "AT+COPS=1,2,\"310260\"",
    "AT+COPS?",
    "AT+CEREG?",
    "AT+CSQ",
    "AT+CESQ",
    "AT+COPS=1,2,\"311480\"",
    "AT+COPS?",
    "AT+CEREG?",
    "AT+CSQ",
    "AT+CESQ",
    "AT+COPS=1,2,\"313100\"",
    "AT+COPS=1,2,\"310410\"",
    "AT+COPS?",
    "AT+CEREG?",
    "AT+CSQ",
    "AT+CESQ",
    // The best carrier, its verification, and its signal again.
    "AT+COPS=1,2,\"311480\"",
    "AT+COPS?",
    "AT+CEREG?",
    "AT+CSQ",
    "AT+CESQ",
    // The modem is set as before.
    "AT+COPS=3,0",
    "AT+CMEE=2",
    // The link again.
    "ATD*99#",
];

fn commands(journal: &[ModemLog]) -> Vec<&str> {
    let mut commands = Vec::new();
    for entry in journal {
        if let ModemEvent::Received(line) = &entry.what {
            commands.push(line.as_str());
        }
    }
    commands
}

/// The commands without a result before the next command.
fn unanswered(journal: &[ModemLog]) -> Vec<&str> {
    const RESULTS: [&str; 4] = ["\r\nOK\r\n", "\r\nCONNECT\r\n", "\r\nERROR\r\n", "\r\n+CME ERROR: "];
    let mut open = Vec::new();
    let mut said = String::new();
    for entry in journal {
        if let ModemEvent::Received(line) = &entry.what {
            said.clear();
            open.push(line.as_str());
        } else if let ModemEvent::Sent(bytes) = &entry.what {
            said.push_str(&String::from_utf8_lossy(bytes));
            if RESULTS.iter().any(|result| said.contains(result)) {
                open.pop();
                said.clear();
            }
        }
    }
    open
}

/// Whether the modem carried the link when the board was switched off at the end of the program.
fn was_connected_at_the_end(journal: &[ModemLog]) -> bool {
    let off = journal.iter().rposition(|entry| entry.what == ModemEvent::Closed).unwrap_or(journal.len());
    let began = journal[..off].iter().rposition(|entry| entry.what == ModemEvent::DataMode(true));
    let ended = journal[..off].iter().rposition(|entry| entry.what == ModemEvent::DataMode(false));
    began > ended
}

/// The link, the scan, the link over the best carrier: `None` where nothing was emulated.
#[track_caller]
fn scans_and_has_its_link_over_the_best(board: Board) -> Option<Ended> {
    let ended = board.start(board_modem())?.ended();
    let mut commands = commands(&ended.journal);
    commands.dedup();
    assert_eq!(commands, DIALOGUE, "{ended}");
    assert_eq!(unanswered(&ended.journal), [""; 0], "{ended}");
    assert_eq!(ended.registered.as_deref(), Some("311480"), "{ended}");
    assert!(was_connected_at_the_end(&ended.journal), "{ended}");
    for said in ["4 operators after", "310260: -81 dBm\n", "selected 311480\n", "link up over 311480\n"] {
        assert!(ended.said.contains(said), "{said}: {ended}");
    }
    assert_eq!(ended.code, Some(0), "{ended}");
    Some(ended)
}

#[test]
fn a_cortex_m4_scans_and_has_its_link_over_the_best() {
    scans_and_has_its_link_over_the_best(MPS2_AN386);
}

#[test]
fn a_cortex_m0_with_16_kib_of_memory_scans_and_has_its_link_over_the_best() {
    scans_and_has_its_link_over_the_best(MICROBIT);
}

#[test]
fn a_riscv_without_atomics_scans_and_has_its_link_over_the_best() {
    scans_and_has_its_link_over_the_best(VIRT);
}

#[test]
fn an_async_executor_scans_with_the_same_machine_and_runs_other_tasks_meanwhile() {
    let Some(ended) = scans_and_has_its_link_over_the_best(EMBASSY) else { return };
    let times = ended.said.lines().find_map(|line| {
        line.strip_prefix("the other task ran ")?.strip_suffix(" times")?.parse::<u32>().ok()
    });
    // Ten times a second, of which a scan takes ten or more.
    assert!(times.is_some_and(|times| times >= 50), "{ended}");
}

#[test]
fn a_modem_silent_during_the_search_fails_the_scan_and_not_the_link() {
    // Long enough not to end before the disturbance, also on a busy machine; the firmware waits for eight seconds.
    let mut slow = board_modem();
    slow.delays.search = 6_000;
    let Some(running) = MPS2_AN386.start(slow) else { return };
    wait_until(SEARCH_BEGINS, "AT+COPS=?", || commands(&running.modem().log()).last() == Some(&"AT+COPS=?"));
    running.modem().apply(ModemFault::Silent { for_ms: 12_000 });
    let ended = running.ended();
    // It was in automatic mode before the scan, and is so again; then the link.
    let behind = ended.journal.iter().rposition(|entry| matches!(entry.what, ModemEvent::Fault(_)));
    let commands = commands(&ended.journal[behind.unwrap_or_default()..]);
    assert!(commands.contains(&"AT+COPS=0"), "{ended}");
    assert_eq!(commands.last(), Some(&"ATD*99#"), "{ended}");
    assert!(was_connected_at_the_end(&ended.journal), "{ended}");
    assert!(ended.said.contains("link up as before: search_failed\n"), "{ended}");
    assert_eq!(ended.code, Some(1), "{ended}");
}
