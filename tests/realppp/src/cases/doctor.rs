//! `doctor` on the option files of a real `pppd`.

use std::fs;
use std::time::{Duration, Instant};

use cellscan_tests::support::Want;
use cellscan_tests::support::wait::look_for;
use rustix::process::Signal;

use crate::case::Case;
use crate::modem::PORT;
use crate::rig::{BY_ID, Gateway, Program, SOON, Setup, chat_with, configure};

pub(super) fn sound(case: &mut Case) {
    let gateway = Setup::new().runsvdir().start();
    for (name, words) in [
        ("doctor", vec!["--port", PORT]),
        ("doctor by the stable name", vec!["--port", BY_ID]),
        ("doctor by itself", vec![]),
    ] {
        let run = doctor(case, name, &words);
        let summary = run.objects("doctor").pop().unwrap_or_default();
        case.holds(
            &format!("{name} finds no error"),
            run.code() == Some(0) && summary["errors"] == 0,
            complaints(&run),
        );
    }
    let run = doctor(case, "exercise", &["--exercise", "--port", PORT]);
    let summary = run.objects("doctor").pop().unwrap_or_default();
    let back = run.code() == Some(0) && summary["exercise"]["given_back"] == true;
    case.holds(
        "an exercise gives the service back",
        back,
        format!("{} {}", summary["exercise"], complaints(&run)),
    );
    gateway.must_answer(Instant::now(), "after the exercise");
    let wrong = gateway.not_well();
    case.holds("it leaves the service up and nothing else", wrong.is_empty(), wrong.join("; "));
    killed_exercise(case, &gateway);
}

fn killed_exercise(case: &mut Case, gateway: &Gateway) {
    let mut run = Program::start(&["doctor", "--exercise", "--port", PORT]);
    let down = || gateway.service.status().is_some_and(|status| status.want == Want::Down);
    let asked = look_for(SOON, || down().then_some(()));
    let met = run.signal(Signal::KILL);
    let died = Instant::now();
    run.wait(case, "killed exercise");
    case.holds("an exercise was killed after it had asked for down", asked.is_some() && met, "");
    let back = gateway.must_answer(died + Duration::from_secs(1), "after a killed exercise");
    let wrong = gateway.not_well();
    let text = format!("back after {:.1?}; {}", back - died, wrong.join("; "));
    case.holds("it leaves the service up and nothing else", wrong.is_empty(), text);
}

/// What people have in their scripts, in each place where `pppd` looks for it.
pub(super) fn undoing(case: &mut Case) {
    let _gateway = Setup::new().runsvdir().start();
    let plain = chat_with("AT");
    fs::write("/etc/ppp/prepare.sh", "#!/bin/sh\nexec /usr/sbin/chat -v '' AT OK 'AT+COPS=0' OK\n")
        .expect("a script");
    let init = |command: &str| format!("init \"/usr/sbin/chat -v '' {command} OK\"\n");
    let of_the_port = "/etc/ppp/options.ttyUSB0";
    for (name, chat, options, port_options, wanted) in [
        ("a reset in the chat script", chat_with("ATZ"), String::new(), None, "ATZ"),
        ("a selection in the chat script", chat_with("AT+COPS=0"), String::new(), None, "AT+COPS="),
        ("a restart in the chat script", chat_with("AT+CFUN=1,1"), String::new(), None, "AT+CFUN="),
        ("factory settings in the init option", plain.clone(), init("AT&F"), None, "AT&F"),
        (
            "a selection in a script",
            plain.clone(),
            "init \"sh /etc/ppp/prepare.sh\"\n".to_owned(),
            None,
            "AT+COPS=",
        ),
        ("a reset in the options of the port", plain.clone(), String::new(), Some(init("ATZ")), "ATZ"),
    ] {
        configure(&options, &chat);
        if let Some(text) = port_options {
            fs::write(of_the_port, text).expect("a file of options");
        }
        let run = doctor(case, name, &["--port", PORT]);
        let _ = fs::remove_file(of_the_port);
        let warns = |check: &serde_json::Value| {
            check["check"] == "modem script"
                && check["level"] == "warning"
                && check["found"].as_str().is_some_and(|found| found.contains(wanted))
        };
        case.holds(
            &format!("doctor warns of {name}"),
            run.objects("check").iter().any(warns),
            complaints(&run),
        );
    }
}

fn doctor(case: &mut Case, name: &str, words: &[&str]) -> Program {
    let mut run = Program::start(&[&["doctor", "--json"], words].concat());
    run.wait(case, name);
    run
}

/// What it is not content with.
fn complaints(run: &Program) -> String {
    let found = run.objects("check").into_iter().filter(|check| check["level"] != "ok");
    found.map(|check| format!("{}: {}", check["check"], check["found"])).collect::<Vec<_>>().join("; ")
}
