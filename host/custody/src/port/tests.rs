use super::*;

const RUNSVDIR: u32 = 10;
const RUNSV: u32 = 20;
const PPPD: u32 = 30;
const CHILD: u32 = 40;
const CRON: u32 = 50;

const fn process(pid: u32, parent: u32) -> Seen {
    Seen { id: Id { pid, start: 0 }, parent, holds: false, is_pppd: false, is_dead: false }
}

const fn holding(pid: u32, parent: u32) -> Seen {
    Seen { holds: true, ..process(pid, parent) }
}

/// A look at these processes, beside those of every machine.
fn look(found: &[Seen]) -> Look {
    let always = [process(1, 0), process(RUNSVDIR, 1), process(RUNSV, RUNSVDIR), process(CRON, 1)];
    Look { processes: always.into_iter().chain(found.iter().copied()).collect(), vanished: Vec::new() }
}

/// A service whose `pppd` has the port, after two looks.
fn taken() -> Port {
    let mut port = Port::default();
    port.supervised_by(Some(RUNSV));
    port.main_is(Some(Id { pid: PPPD, start: 0 }));
    for _ in 0..2 {
        assert_eq!(port.look(&look(&[holding(PPPD, RUNSV)]), Opened::No), Verdict::Held);
    }
    port
}

fn pids(ids: &[Id]) -> Vec<u32> {
    ids.iter().map(|id| id.pid).collect()
}

#[test]
fn one_look_without_a_holder_is_no_proof() {
    let mut port = Port::default();
    assert_eq!(port.look(&look(&[]), Opened::No), Verdict::Unsure);
    assert_eq!(port.look(&look(&[]), Opened::No), Verdict::Free);
}

#[test]
fn a_look_without_a_holder_after_one_with_a_holder_is_no_proof() {
    let mut port = taken();
    assert_eq!(port.look(&look(&[]), Opened::No), Verdict::Unsure);
    assert_eq!(port.look(&look(&[]), Opened::No), Verdict::Free);
}

#[test]
fn a_child_that_one_look_misses_is_seen_by_the_next() {
    let mut port = taken();
    // The first look misses the child: the fork came after the table was listed.
    assert_eq!(port.look(&look(&[]), Opened::No), Verdict::Unsure);
    let orphan = holding(CHILD, 1);
    assert_eq!(port.look(&look(&[orphan]), Opened::No), Verdict::Held);
    assert_eq!(pids(port.remains()), [CHILD], "only a fork can have given it the port");
}

#[test]
fn a_newcomer_that_may_be_an_orphan_of_the_service_needs_another_look() {
    for adopter in [1, RUNSV, RUNSVDIR] {
        let mut port = taken();
        port.look(&look(&[]), Opened::No);
        // It held the port, forked, and closed it before it was examined.
        let orphan = process(CHILD, adopter);
        assert_eq!(port.look(&look(&[orphan]), Opened::No), Verdict::Unsure, "adopted by {adopter}");
        assert_eq!(port.look(&look(&[orphan]), Opened::No), Verdict::Free, "known from the look before");
    }
}

#[test]
fn a_newcomer_that_ended_before_it_was_examined_needs_another_look() {
    let mut port = taken();
    port.look(&look(&[]), Opened::No);
    let vanished = Look { vanished: vec![CHILD], ..look(&[]) };
    assert_eq!(port.look(&vanished, Opened::No), Verdict::Unsure);
    assert_eq!(port.look(&look(&[]), Opened::No), Verdict::Free);
}

#[test]
fn a_zombie_is_no_member_and_does_not_delay_the_verdict() {
    let mut port = taken();
    let zombie = Seen { is_dead: true, ..process(PPPD, RUNSV) };
    assert_eq!(port.look(&look(&[zombie]), Opened::No), Verdict::Unsure);
    assert_eq!(port.look(&look(&[zombie]), Opened::No), Verdict::Free);
    // A zombie that was not seen alive may have left a child.
    let unknown = Seen { is_dead: true, ..process(CHILD, 1) };
    assert_eq!(port.look(&look(&[zombie, unknown]), Opened::No), Verdict::Unsure);
    assert_eq!(port.look(&look(&[zombie, unknown]), Opened::No), Verdict::Free);
}

#[test]
fn children_of_processes_without_the_port_do_not_delay_the_verdict() {
    let mut port = taken();
    port.look(&look(&[]), Opened::No);
    let busy = look(&[process(60, CRON), process(61, 60)]);
    assert_eq!(port.look(&busy, Opened::No), Verdict::Free);
}

#[test]
fn an_open_between_two_looks_makes_the_first_one_void() {
    let mut port = taken();
    port.look(&look(&[]), Opened::No);
    assert_eq!(port.look(&look(&[]), Opened::Yes), Verdict::Unsure);
    assert_eq!(port.look(&look(&[]), Opened::No), Verdict::Free);
}

#[test]
fn the_supervisor_is_never_a_member_even_with_the_port_open() {
    let mut port = Port::default();
    port.supervised_by(Some(RUNSV));
    port.main_is(Some(Id { pid: PPPD, start: 0 }));
    let console = Look {
        processes: vec![process(1, 0), holding(RUNSV, 1), holding(PPPD, RUNSV)],
        vanished: Vec::new(),
    };
    for _ in 0..3 {
        assert_eq!(port.look(&console, Opened::No), Verdict::Held);
        assert_eq!((pids(port.remains()), pids(port.strangers())), (vec![PPPD], vec![RUNSV]));
    }
    port.note(Id { pid: RUNSV, start: 0 });
    port.look(&console, Opened::No);
    assert_eq!(pids(port.remains()), [PPPD]);
}

#[test]
fn a_stranger_with_the_port_stays_a_stranger_when_the_service_is_gone() {
    let mut port = Port::default();
    port.supervised_by(Some(RUNSV));
    port.main_is(Some(Id { pid: PPPD, start: 0 }));
    let bystander = holding(70, CRON);
    for _ in 0..3 {
        port.look(&look(&[holding(PPPD, RUNSV), bystander]), Opened::No);
        assert_eq!(pids(port.strangers()), [70]);
    }
    // A new process may come from the bystander as well.
    assert_eq!(port.look(&look(&[bystander, holding(71, 1)]), Opened::No), Verdict::Held);
    assert_eq!((port.remains().len(), pids(port.strangers())), (0, vec![70, 71]));
}

#[test]
fn a_process_once_seen_without_the_port_is_no_heir() {
    // By another device node, or by a socket: no open event.
    let mut port = taken();
    let known = process(90, 1);
    port.look(&look(&[holding(PPPD, RUNSV), known]), Opened::No);
    port.look(&look(&[holding(PPPD, RUNSV), Seen { holds: true, ..known }]), Opened::No);
    assert_eq!(pids(port.strangers()), [90]);
}

#[test]
fn a_new_holder_with_another_parent_is_no_heir() {
    let mut port = taken();
    port.look(&look(&[holding(PPPD, RUNSV), holding(91, CRON)]), Opened::No);
    assert_eq!(pids(port.strangers()), [91]);
}

#[test]
fn a_free_port_cannot_be_inherited() {
    let mut port = taken();
    port.main_is(None);
    port.look(&look(&[]), Opened::No);
    assert_eq!(port.look(&look(&[]), Opened::No), Verdict::Free);
    for _ in 0..3 {
        port.look(&look(&[]), Opened::No);
    }
    port.look(&look(&[holding(92, 1)]), Opened::No);
    assert_eq!((port.remains().len(), pids(port.strangers())), (0, vec![92]));
}

#[test]
fn an_orphan_with_the_port_is_a_stranger_where_any_process_may_have_opened_it() {
    for opened in [Opened::Yes, Opened::Unknown] {
        let mut port = taken();
        port.look(&look(&[holding(CHILD, 1)]), opened);
        assert_eq!((port.remains().len(), pids(port.strangers())), (0, vec![CHILD]), "{opened:?}");
    }
}

#[test]
fn a_descendant_seen_before_its_parent_ended_stays_a_member() {
    let mut port = taken();
    port.look(&look(&[holding(PPPD, RUNSV), process(CHILD, PPPD)]), Opened::No);
    port.look(&look(&[holding(CHILD, 1)]), Opened::Yes);
    assert_eq!(pids(port.remains()), [CHILD]);
    // Another process with that id is another process.
    let later = Seen { id: Id { pid: CHILD, start: 9 }, ..holding(CHILD, 1) };
    port.look(&look(&[later]), Opened::Yes);
    assert_eq!((port.remains().len(), port.strangers().len()), (0, 1));
}

#[test]
fn a_process_without_the_port_is_left_alone_unless_it_may_open_it_again() {
    let mut port = taken();
    let script = process(CHILD, PPPD);
    let detached = Seen { is_pppd: true, ..process(41, PPPD) };
    // It has had the port; the `pppd` of a VPN, which a script started, never did.
    let vpn = Seen { is_pppd: true, ..process(42, CHILD) };
    port.look(&look(&[holding(PPPD, RUNSV), script, Seen { holds: true, ..detached }, vpn]), Opened::No);
    port.main_is(None);
    let orphans = look(&[Seen { parent: 1, ..script }, Seen { parent: 1, ..detached }, vpn]);
    assert_eq!(port.look(&orphans, Opened::No), Verdict::Held);
    assert_eq!(pids(port.remains()), [41]);
    let script_alone = look(&[Seen { parent: 1, ..script }, vpn]);
    assert_eq!(port.look(&script_alone, Opened::No), Verdict::Free, "neither look found a holder");
}

#[test]
fn a_child_of_the_supervisor_that_has_the_port_is_a_member() {
    let mut port = Port::default();
    port.supervised_by(Some(RUNSV));
    // A `finish` or `control` script; the log service has no port and does not count.
    port.look(&look(&[holding(CHILD, RUNSV), process(80, RUNSV)]), Opened::Yes);
    assert_eq!((pids(port.remains()), port.strangers().len()), (vec![CHILD], 0));
    assert!(!port.is_member(Id { pid: 80, start: 0 }));
}
