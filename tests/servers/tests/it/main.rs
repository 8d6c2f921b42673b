//! Real servers that tests start.

#![cfg(unix)]

mod cluster;
mod postgres;
mod proxy;
mod redis;
mod sentinels;
mod watchdog;

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits in real time until something holds.
#[track_caller]
fn until(wanted: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{wanted} did not come about");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Whether there is a process of this number that has not ended.
fn lives(pid: u32) -> bool {
    let output = std::process::Command::new("sh")
        .args(["-c", r#"kill -s 0 "$0""#, &pid.to_string()])
        .output()
        .unwrap();
    output.status.success() && !is_zombie(pid)
}

/// Where nobody takes leave of orphans, as in a container, they stay as zombies.
fn is_zombie(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z"))
}
