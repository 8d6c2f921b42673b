//! All keys of a host, step by step.

use redis::{
    Cmd, Value,
    cluster_async::ClusterConnection,
    cluster_routing::{RoutingInfo, SingleNodeRoutingInfo},
    cmd, from_redis_value,
};

use super::Link;
use crate::error::LinkError;

/// One walk through the keys of a server, or of one master of a cluster. Keys that come or go meanwhile may be missed, others
/// may come twice.
pub(crate) struct Scan {
    on: On,
    /// Where to go on; nowhere, at the end.
    cursor: Option<Vec<u8>>,
}

enum On {
    Server(Link),
    Master(ClusterConnection, RoutingInfo),
}

impl Link {
    /// Walks through all keys: one for each server that has some.
    ///
    /// # Errors
    ///
    /// Redis is away.
    pub(crate) async fn scans(&self) -> Result<Vec<Scan>, LinkError> {
        if !self.is_cluster() {
            return Ok(vec![Scan::new(On::Server(self.clone()))]);
        }
        let connection = self.source.cluster().await?;
        let slots = self.send_again(cmd("CLUSTER").arg("SLOTS").clone()).await?;
        let mut masters: Vec<_> = slot_masters(&slots).collect();
        masters.sort_unstable();
        masters.dedup();
        let scans = masters.into_iter().map(|(host, port)| {
            let routing = RoutingInfo::SingleNode(SingleNodeRoutingInfo::ByAddress { host, port });
            Scan::new(On::Master(connection.clone(), routing))
        });
        Ok(scans.collect())
    }
}

impl Scan {
    fn new(on: On) -> Self {
        Self {
            on,
            cursor: Some(b"0".to_vec()),
        }
    }

    /// Keys that match a pattern, of about so many that Redis looks at.
    ///
    /// # Errors
    ///
    /// Redis is away, or does not allow it.
    pub(crate) async fn next(&mut self, pattern: &str, step: usize) -> Result<Value, LinkError> {
        let Some(cursor) = self.cursor.take() else {
            return Ok(Value::Nil);
        };
        let mut scan = cmd("SCAN");
        scan.arg(cursor)
            .arg("MATCH")
            .arg(pattern)
            .arg("COUNT")
            .arg(step);
        let answer = self.on.run(scan).await?;
        let Value::Array(parts) = answer else {
            return Err(LinkError::Answer);
        };
        let mut parts = parts.into_iter();
        let (Some(Value::BulkString(cursor)), Some(keys)) = (parts.next(), parts.next()) else {
            return Err(LinkError::Answer);
        };
        self.cursor = Some(cursor).filter(|cursor| cursor != b"0");
        Ok(keys)
    }

    /// Whether there are no more keys.
    pub(crate) fn is_over(&self) -> bool {
        self.cursor.is_none()
    }
}

impl On {
    async fn run(&mut self, command: Cmd) -> Result<Value, LinkError> {
        match self {
            Self::Server(link) => link.send_again(command).await,
            Self::Master(connection, routing) => {
                let answer = connection.route_command(command, routing.clone()).await;
                answer
                    .and_then(Value::extract_error)
                    .map_err(|error| LinkError::Broken(error.into()))
            }
        }
    }
}

/// Who has which part of a cluster: first, last, master, replicas.
fn slot_masters(slots: &Value) -> impl Iterator<Item = (String, u16)> {
    let ranges = match slots {
        Value::Array(ranges) => &ranges[..],
        _ => &[],
    };
    ranges.iter().filter_map(|range| {
        let Value::Array(parts) = range else {
            return None;
        };
        let Value::Array(master) = parts.get(2)? else {
            return None;
        };
        let host = from_redis_value(master.first()?.clone()).ok()?;
        let port = from_redis_value(master.get(1)?.clone()).ok()?;
        Some((host, port))
    })
}
