//! The commands of "Five minutes on a gateway", as the main README has them, one after the other on a machine that has nothing of
//! cellscan but what the README has put there: a real `runsvdir`, a service with a stand-in for `pppd`, a modem with two ports, and `ppp0`.
//!
//! The machine is a root directory of its own in namespaces of its own (mounts, processes, network), which end with the test.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use cellscan_sim::pty::PtyModem;
use cellscan_tests::support::{binaries, quick_modem, skipped};
use tempfile::TempDir;

use super::{SCAN, SOON, repository};

/// The heading of the section, and the mark of its block of commands.
const SECTION: &str = "## Five minutes on a gateway\n";
const BLOCK: &str = "```sh\n";

/// What each command of the README has to say, by its beginning. All of them exit with 0.
const SAID: [(&str, &[&str]); 9] = [
    (
        "cellscan ports",
        &[
            "/dev/serial/by-id/usb-Cinterion-if00\n",
            "pppd's, held by process",
            "/dev/serial/by-id/usb-Cinterion-if02\n",
            "free; answers AT",
            "next: cellscan doctor --port /dev/serial/by-id/usb-Cinterion-if02",
        ],
    ),
    ("AT=/dev/serial/by-id/usb-Cinterion-if02", &[]),
    ("PPP=/dev/serial/by-id/usb-Cinterion-if00", &[]),
    (
        "cellscan doctor --port $AT --ppp-port $PPP",
        &["modem: answers AT with OK", "ppp0 has an address", "0 errors"],
    ),
    (
        "cellscan scan --port $AT --ppp-port $PPP",
        &[
            "State 2: port free",
            "* 310410  AT&T",
            "\nSelected AT&T (310410)",
            "\nLink     up",
            "\nService  given back",
        ],
    ),
    ("echo \"OPTIONS=", &[]),
    ("ln -s /etc/sv/cellscan /etc/service/", &[]),
    ("cellscan status", &["run, wanted up", "link: up, ppp0", "AT&T (310410)"]),
    ("cellscan scan", &["State 2: port free", "\nSelected AT&T (310410)", "\nLink     up"]),
];

/// Makes the machine below `$1` and runs the script `/transcript` in it. `/usr` is that of this machine but for `/usr/local`.
const MACHINE: &str = r#"
root=$1
cd "$root"
mkdir -p proc dev/pts dev/net dev/serial/by-id etc/service run/lock var/lock var/lib tmp
mount -t proc none proc
for dir in bin sbin lib lib64 usr; do
    if [ -L /$dir ]; then ln -s "$(readlink /$dir)" $dir
    elif [ -d /$dir ]; then mkdir -p $dir; mount --rbind /$dir $dir; fi
done
mount -t tmpfs none usr/local
mkdir usr/local/bin
cp cellscan usr/local/bin/
for device in null zero urandom tty net/tun; do
    if [ -e /dev/$device ]; then : > dev/$device; mount --bind /dev/$device dev/$device; fi
done
mount --rbind /dev/pts dev/pts
exec chroot . /bin/sh /transcript
"#;

/// Waits, with a limit, for a condition.
const UNTIL: &str = r#"
PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
until_it_holds() {
    left=600
    until eval "$1"; do left=$((left - 1)); [ $left -gt 0 ] || { echo "not in time: $1"; exit 9; }; sleep 0.1; done
}
ip tuntap add dev ppp0 mode tun && ip addr add 10.99.0.1/32 dev ppp0 && ip link set lo up
runsvdir -P /etc/service &
until_it_holds 'ls /var/lock/LCK..* >/dev/null 2>&1'
"#;

const RUN: &str = "#!/bin/sh
exec 2>&1
echo $$ > /run/ppp0.pid
ip link set ppp0 up
exec ./pppd --lock /var/lock --log /tmp/pppd.log /dev/serial/by-id/usb-Cinterion-if00
";
const FINISH: &str = "#!/bin/sh\nrm -f /run/ppp0.pid\nip link set ppp0 down\n";

/// The commands of the README.
fn commands() -> Vec<String> {
    let readme = repository("README.md");
    let section = readme.split_once(SECTION).expect("the section is there").1;
    let section = section.split("\n## ").next().unwrap_or_default();
    let block = section.split_once(BLOCK).expect("it has a block of commands").1;
    let block = block.split("```").next().unwrap_or_default();
    let commands = block.lines().map(|line| line.split("  #").next().unwrap_or_default().trim().to_owned());
    commands.filter(|command| !command.is_empty()).collect()
}

/// Whether this user can make such a machine; prints SKIPPED otherwise.
fn can_be_tried() -> bool {
    let script = "mount -t proc none /proc && ip tuntap add dev ppp0 mode tun";
    let tried = Command::new("unshare").args(["-m", "-p", "-n", "-f", "sh", "-ec", script]).output();
    let can = tried.is_ok_and(|tried| tried.status.success());
    if !can {
        skipped("this user may not make a machine of namespaces with an interface");
    }
    can
}

fn place(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("it is below the root")).expect("it is ours");
    fs::write(&path, text).expect("it is ours");
    let made = Command::new("chmod").arg("755").arg(&path).status().expect("chmod starts");
    assert!(made.success());
}

/// Copies by a process of its own: no descriptor of this test is open on a program when it is executed.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().expect("it is below the root")).expect("it is ours");
    let copied = Command::new("cp").arg("-r").arg(from).arg(to).status().expect("cp starts");
    assert!(copied.success(), "{}", from.display());
}

/// The script that runs the commands in one shell, each between two marks.
fn script(commands: &[String]) -> String {
    let mut script = UNTIL.to_owned();
    for (number, command) in commands.iter().enumerate() {
        if command == "cellscan scan" {
            // As a person would: some seconds after the service was linked.
            script.push_str("until_it_holds '[ -S /run/cellscan/control ]'\n");
        }
        // The states go to standard error: both are one transcript.
        let both = if command.starts_with("cellscan") { " 2>&1" } else { "" };
        writeln!(script, "echo '@begin {number}'\n{command}{both}\necho \"@exit $?\"")
            .expect("a string grows");
    }
    script
}

/// Runs the machine to its end.
fn transcript(commands: &[String]) -> Output {
    let root = TempDir::with_prefix("cellscan-quickstart-").expect("a temporary directory");
    let path = root.path();
    let [ppp, at] = [1, 2].map(|seed| PtyModem::spawn(quick_modem(), seed, None).expect("a modem on a pty"));
    fs::create_dir_all(path.join("dev/serial/by-id")).expect("it is ours");
    for (name, modem) in [("if00", &ppp), ("if02", &at)] {
        symlink(modem.path(), path.join("dev/serial/by-id").join(format!("usb-Cinterion-{name}")))
            .expect("a link");
    }
    place(path, "etc/sv/pppd/run", RUN);
    place(path, "etc/sv/pppd/finish", FINISH);
    copy(&binaries::stand_in(), &path.join("etc/sv/pppd/pppd"));
    fs::create_dir_all(path.join("etc/service")).expect("it is ours");
    symlink("/etc/sv/pppd", path.join("etc/service/pppd")).expect("a link");
    // What the README has been copied to the gateway.
    copy(Path::new(binaries::cellscan().get_program()), &path.join("cellscan"));
    let service = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/service/cellscan");
    copy(&service, &path.join("etc/sv/cellscan"));
    place(path, "transcript", &script(commands));
    let mut machine = Command::new("timeout");
    machine.args(["--signal=KILL", &(2 * SCAN + SOON).as_secs().to_string()]);
    machine.args(["unshare", "-m", "-p", "-n", "-f", "--kill-child", "--propagation", "private"]);
    machine.args(["sh", "-ec", MACHINE, "sh"]).arg(path).stdin(Stdio::null());
    machine
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .expect("unshare starts (util-linux)")
}

#[test]
fn the_commands_of_the_readme_do_on_a_fresh_machine_what_it_says() {
    let commands = commands();
    let known: Vec<&str> = SAID.iter().map(|(begin, _)| *begin).collect();
    assert_eq!(commands.len(), known.len(), "{commands:#?}");
    for (command, begin) in commands.iter().zip(&known) {
        assert!(command.starts_with(begin), "{command}: wanted {begin}");
    }
    if !can_be_tried() {
        return;
    }
    let output = transcript(&commands);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    for (number, (command, (_, parts))) in commands.iter().zip(SAID).enumerate() {
        let of_command = said.split_once(&format!("@begin {number}\n")).map_or("", |(_, rest)| rest);
        let (of_command, rest) = of_command.split_once("@exit ").unwrap_or((of_command, "?"));
        assert!(
            rest.starts_with("0\n"),
            "{command} exits with {}: {said}\n{errors}",
            rest.lines().next().unwrap_or("?")
        );
        for part in parts {
            assert!(of_command.contains(part), "{command}: {part}\n{of_command}\n{errors}");
        }
    }
}
