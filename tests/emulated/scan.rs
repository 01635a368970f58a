//! A whole scan, as the modem at the other end of the UART heard it.

use std::time::Duration;

use cellscan_sim::modem::{ModemEvent, ModemFault, ModemLog};
use cellscan_tests::support::wait_until;

use crate::machine::{Board, EMBASSY, MICROBIT, MPS2_AN386, VIRT, quick_modem};

/// Until the firmware has dialled, hung up and begun to search.
const SEARCH_BEGINS: Duration = Duration::from_secs(30);

/// All that the modem is told, repetitions left out: the polls for a registration are as many as time goes by.
const DIALOGUE: &[&str] = &[
    // The link, and its end.
    "ATD*99#",
    "ATH",
    // The scan finds the line in order and the modem on AT&T.
    "AT",
    "AT+CMEE=2",
    "AT+CPIN?",
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
    // The best, and is it that?
    "AT+COPS=1,2,\"311480\"",
    "AT+COPS?",
    "AT+CEREG?",
    // The link again.
    "ATD*99#",
];

fn commands(journal: &[ModemLog]) -> Vec<&str> {
    let heard = |entry| match entry {
        &ModemLog { what: ModemEvent::Received(ref line), .. } => Some(line.as_str()),
        _ => None,
    };
    journal.iter().filter_map(heard).collect()
}

/// The commands that no result followed before the next one came.
fn unanswered(journal: &[ModemLog]) -> Vec<&str> {
    const RESULTS: [&str; 4] = ["\r\nOK\r\n", "\r\nCONNECT\r\n", "\r\nERROR\r\n", "\r\n+CME ERROR: "];
    let mut open = Vec::new();
    let mut said = String::new();
    for entry in journal {
        match &entry.what {
            ModemEvent::Received(line) => {
                said.clear();
                open.push(line.as_str());
            }
            ModemEvent::Sent(bytes) => {
                said.push_str(&String::from_utf8_lossy(bytes));
                if RESULTS.iter().any(|result| said.contains(result)) {
                    open.pop();
                    said.clear();
                }
            }
            _ => {}
        }
    }
    open
}

/// Whether the call was still there when the machine was switched off.
fn ends_connected(journal: &[ModemLog]) -> bool {
    let mut last = journal.iter().rev().map(|entry| &entry.what);
    last.next() == Some(&ModemEvent::DataMode(false))
        && last.next() == Some(&ModemEvent::Closed)
        && journal.iter().rfind(|entry| matches!(entry.what, ModemEvent::DataMode(true))).is_some()
}

fn scans_and_has_its_link_over_the_best(board: Board) {
    let Some(running) = board.start(quick_modem()) else { return };
    let ended = running.ended();
    assert_eq!(ended.code, Some(0), "{ended}");
    let mut commands = commands(&ended.journal);
    commands.dedup();
    assert_eq!(commands, DIALOGUE, "{ended}");
    assert_eq!(unanswered(&ended.journal), [""; 0], "{ended}");
    assert_eq!(ended.registered.as_deref(), Some("311480"), "{ended}");
    assert!(ended.said.contains("selected 311480\n"), "{ended}");
    println!("{ended}");
}

#[test]
fn a_cortex_m4_scans_and_has_its_link_over_the_best() {
    scans_and_has_its_link_over_the_best(MPS2_AN386);
}

#[test]
fn a_cortex_m0_scans_and_has_its_link_over_the_best() {
    scans_and_has_its_link_over_the_best(MICROBIT);
}

#[test]
fn a_riscv_without_atomics_scans_and_has_its_link_over_the_best() {
    scans_and_has_its_link_over_the_best(VIRT);
}

#[test]
fn an_async_executor_scans_with_the_same_machine_and_runs_other_tasks_meanwhile() {
    scans_and_has_its_link_over_the_best(EMBASSY);
}

#[test]
fn a_modem_that_falls_silent_while_it_searches_costs_the_scan_and_not_the_link() {
    let Some(running) = MPS2_AN386.start(quick_modem()) else { return };
    let asked = || commands(&running.modem().log()).contains(&"AT+COPS=?");
    wait_until(SEARCH_BEGINS, "AT+COPS=?", asked);
    running.modem().apply(ModemFault::Silent { for_ms: 12_000 });
    let ended = running.ended();
    println!("{ended}");
    assert_eq!(ended.code, Some(1), "{ended}");
    assert_eq!(ended.registered.as_deref(), Some("310410"), "{ended}");
}
