//! Attribution of interfaces, in a network namespace in which a test may make them.

use std::process::Command;

use super::*;

/// Names the directory of pid files to the test that runs in the namespace.
const PID_DIR: &str = "CELLSCAN_TEST_PID_DIR";
/// Makes `ppp7` with an address: a tun, since a kernel may lack the driver of dummies.
const MAKE: &str = "\
ip tuntap add dev ppp7 mode tun 2>/dev/null || ip link add ppp7 type dummy
ip addr add 10.99.0.1/32 dev ppp7
ip link set ppp7 up";

fn nothing_is_ours(_: NonZeroU32) -> bool {
    false
}

#[test]
fn no_interface_fits_an_unknown_name_and_no_link_counts_as_up() {
    assert!(!Link::new("cellscan-none").unwrap().is_up(&nothing_is_ours).unwrap());
    assert!(!Link::new("cellscan-none*").unwrap().is_up(&nothing_is_ours).unwrap());
    assert!(Link::none().is_up(&nothing_is_ours).unwrap());
}

#[test]
fn an_interface_of_another_pppd_does_not_count() {
    let may = Command::new("unshare").args(["-n", "sh", "-ec", MAKE]).output();
    if !may.is_ok_and(|tried| tried.status.success()) {
        println!("skipped: no network namespace with an interface of ours");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let test = "link::tests::in_a_namespace_with_an_interface";
    let script = format!("{MAKE}\nexec \"$0\" --exact {test} --ignored --nocapture");
    let mut command = Command::new("unshare");
    command.args(["-n", "sh", "-ec", &script]).arg(std::env::current_exe().unwrap());
    let output = command.env(PID_DIR, dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
#[ignore = "started by an_interface_of_another_pppd_does_not_count"]
fn in_a_namespace_with_an_interface() {
    let Some(dir) = std::env::var_os(PID_DIR).map(PathBuf::from) else { return };
    let name = ["ppp7".to_owned()];
    let named = |pattern: &str| Interfaces::named(pattern).with_pid_dirs(vec![dir.clone()]);
    let fresh = || named("ppp*");
    assert_eq!(fresh().up(&nothing_is_ours).unwrap(), name, "of nothing that is known to be another");
    // It was up while the service was down.
    let knowing = fresh();
    knowing.service_is_down().unwrap();
    assert!(knowing.clone().up(&nothing_is_ours).unwrap().is_empty(), "clones know it too");
    let exact = named("ppp7");
    exact.service_is_down().unwrap();
    assert_eq!(exact.up(&nothing_is_ours).unwrap(), name, "an exact name is trusted");
    // A pid file is the stronger evidence, both ways.
    let pppd = dir.join("pppd");
    std::os::unix::fs::symlink("/bin/sleep", &pppd).unwrap();
    let mut other = Command::new(&pppd).arg("60").spawn().unwrap();
    let pid = NonZeroU32::new(other.id()).unwrap();
    std::fs::write(dir.join("ppp7.pid"), format!("{pid}\n")).unwrap();
    assert!(crate::soon::soon(|| fresh().up(&nothing_is_ours).unwrap().is_empty()), "it is another's");
    let ours = |asked| asked == pid;
    // That of another network namespace means another `ppp7`, whose pid file has overwritten ours: both lie in `/run`.
    let mut elsewhere = Command::new("unshare").arg("-n").arg(&pppd).arg("60").spawn().unwrap();
    std::fs::write(dir.join("ppp7.pid"), format!("{}\n", elsewhere.id())).unwrap();
    assert!(crate::soon::soon(|| crate::process::is_pppd(NonZeroU32::new(elsewhere.id()).unwrap())));
    assert_eq!(fresh().up(&nothing_is_ours).unwrap(), name, "it is not of the one here");
    assert!(knowing.up(&nothing_is_ours).unwrap().is_empty());
    elsewhere.kill().unwrap();
    elsewhere.wait().unwrap();
    std::fs::write(dir.join("ppp7.pid"), format!("{pid}\n")).unwrap();
    assert_eq!(knowing.up(&ours).unwrap(), name, "it is the service's");
    assert_eq!(exact.up(&nothing_is_ours).unwrap(), name);
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(fresh().up(&ours).unwrap(), name, "a pid file that was left behind says nothing");
    // The next one is another interface, though its name is the same.
    let anew = format!("ip link del ppp7\n{MAKE}");
    assert!(Command::new("sh").args(["-ec", &anew]).status().unwrap().success());
    assert_eq!(knowing.up(&nothing_is_ours).unwrap(), name);
}
