//! Commands under way.

use std::sync::Arc;

use redis::{
    Pipeline, RedisError, RedisResult, Value, aio::ConnectionLike, aio::MultiplexedConnection,
    cluster_async::ClusterConnection,
};

use tokio::sync::watch;

use super::{queue::Job, shared::Shared, verdict::is_not_now};
use crate::error::LinkError;

/// What the connection broke with, once it has.
pub(super) type Cut = watch::Receiver<Option<Arc<RedisError>>>;

/// What became of commands.
#[derive(Default)]
pub(super) struct Sent {
    /// How many have been answered, or have failed.
    pub(super) finished: usize,
    /// Those that have not been carried out, or that may be twice.
    pub(super) left: Vec<Job>,
    /// What the connection broke with, if it did.
    pub(super) broken: Option<Arc<RedisError>>,
}

/// Sends commands in one piece and hands out the replies. When the connection is cut, no answer is waited for.
pub(super) async fn send(connection: Shared, mut jobs: Vec<Job>, mut cut: Cut) -> Sent {
    let asking = async {
        match connection {
            Shared::Server(mut connection, _) => ask_server(&mut connection, &mut jobs).await,
            Shared::Cluster(mut connection) => ask_cluster(&mut connection, &jobs).await,
        }
    };
    let answers = tokio::select! {
        biased;
        answers = asking => answers,
        error = broken(&mut cut) => Err(error),
    };
    match answers {
        Ok(answers) => hand_out(jobs, answers),
        Err(error) => give_up(jobs, error),
    }
}

async fn broken(cut: &mut Cut) -> RedisError {
    let error = match cut.wait_for(Option::is_some).await {
        Ok(error) => Some(error.as_deref().cloned().unwrap_or_else(lost)),
        Err(_) => None,
    };
    match error {
        Some(error) => error,
        // The courier gave the connection up without cutting it, and the answer may still come.
        None => std::future::pending().await,
    }
}

/// A connection was lost.
pub(super) fn lost() -> RedisError {
    RedisError::from((redis::ErrorKind::Io, "connection was lost"))
}

async fn ask_server(
    connection: &mut MultiplexedConnection,
    jobs: &mut [Job],
) -> RedisResult<Vec<Value>> {
    if let [job] = jobs {
        return connection
            .send_packed_command(&job.cmd)
            .await
            .map(|value| vec![value]);
    }
    let mut pipeline = Pipeline::with_capacity(jobs.len());
    for job in jobs.iter_mut() {
        // What may be sent again is still needed.
        let cmd = if job.again {
            job.cmd.clone()
        } else {
            job.cmd.take()
        };
        pipeline.add_command(cmd);
    }
    let count = jobs.len();
    connection.send_packed_commands(&pipeline, 0, count).await
}

async fn ask_cluster(connection: &mut ClusterConnection, jobs: &[Job]) -> RedisResult<Vec<Value>> {
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        answers.push(connection.req_packed_command(&job.cmd).await?);
    }
    Ok(answers)
}

fn hand_out(jobs: Vec<Job>, answers: Vec<Value>) -> Sent {
    let mut sent = Sent::default();
    let mut answers = answers.into_iter();
    for job in jobs {
        match answers.next() {
            Some(Value::ServerError(error)) if is_not_now(&error) && job.again => {
                sent.broken = Some(Arc::new(error.into()));
                sent.left.push(job);
            }
            Some(Value::ServerError(error)) => {
                let not_now = is_not_now(&error);
                let error = Arc::new(RedisError::from(error));
                if not_now {
                    sent.broken = Some(Arc::clone(&error));
                }
                job.finish(Err(LinkError::Refused(error)));
                sent.finished += 1;
            }
            Some(value) => {
                job.finish(Ok(value));
                sent.finished += 1;
            }
            None => {
                job.finish(Err(LinkError::Answer));
                sent.finished += 1;
            }
        }
    }
    sent
}

fn give_up(jobs: Vec<Job>, error: RedisError) -> Sent {
    let refused = error.clone().into_server_errors().is_some();
    let error = Arc::new(error);
    let mut sent = Sent::default();
    for job in jobs {
        if refused {
            job.finish(Err(LinkError::Refused(Arc::clone(&error))));
            sent.finished += 1;
        } else if job.again {
            sent.left.push(job);
        } else {
            job.finish(Err(LinkError::Broken(Arc::clone(&error))));
            sent.finished += 1;
        }
    }
    if !refused {
        sent.broken = Some(error);
    }
    sent
}
