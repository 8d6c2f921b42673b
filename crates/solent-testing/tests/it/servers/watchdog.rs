use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use solent_testing::servers::RedisServer;

use super::{lives, until};

/// Set for the process that is to be killed.
const VARIABLE: &str = "SOLENT_TEST_VICTIM";

/// Starts a server and tells which; then waits to be killed, if it runs for the test below.
#[tokio::test]
async fn victim_of_the_test_below() {
    if env::var_os(VARIABLE).is_none() {
        return;
    }
    let server = RedisServer::start().await.unwrap();
    println!(
        "\nserver {} {}",
        server.pid().unwrap(),
        server.socket().display()
    );
    std::future::pending::<()>().await;
}

#[test]
fn server_does_not_outlive_a_killed_test() {
    let mut test = Command::new(env::current_exe().unwrap())
        .args(["--exact", "servers::watchdog::victim_of_the_test_below"])
        .arg("--nocapture")
        .env(VARIABLE, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let line = BufReader::new(test.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("server ").map(str::to_owned))
        .unwrap();
    let (pid, socket) = line.split_once(' ').unwrap();
    let pid = pid.parse().unwrap();
    assert!(lives(pid));

    test.kill().unwrap();
    test.wait().unwrap();

    let folder = Path::new(socket).parent().unwrap();
    until("the end of the server", || !lives(pid) && !folder.exists());
}
