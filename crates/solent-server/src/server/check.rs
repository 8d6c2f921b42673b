//! Settings that have no meaning.

use http::HeaderValue;

use super::ServeError;
use crate::settings::ServerConfig;

/// Refuses values that nothing can be done with, before anything listens.
pub(super) fn settings(config: &ServerConfig) -> Result<(), ServeError> {
    if let Some(deflate) = &config.websocket.deflate {
        let level = deflate.level;
        let is_level = (1..=9).contains(&level);
        ensure(is_level, "level", level, "from 1 to 9")?;
        let bits = deflate.server_max_window_bits;
        let is_window = (9..=15).contains(&bits);
        ensure(is_window, "server_max_window_bits", bits, "from 9 to 15")?;
    }
    if let Some(value) = &config.server_header {
        let is_value = HeaderValue::from_str(value).is_ok();
        let wanted = "visible ASCII, as the value of a header is";
        ensure(is_value, "server_header", format_args!("{value:?}"), wanted)?;
    }
    Ok(())
}

fn ensure(
    is_good: bool,
    name: &'static str,
    value: impl ToString,
    wanted: &'static str,
) -> Result<(), ServeError> {
    if is_good {
        return Ok(());
    }
    Err(ServeError::Setting {
        name,
        value: value.to_string(),
        wanted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{DeflateConfig, WebSocketConfig};

    #[test]
    fn value_without_a_meaning_is_an_error_that_names_it() {
        let deflate = |deflate: DeflateConfig| {
            let websocket = WebSocketConfig::default().deflate(deflate);
            ServerConfig::default().websocket(websocket)
        };
        let default = DeflateConfig::default;
        for (config, wanted) in [
            (
                deflate(default().level(0)),
                "setting `level` is 0, but it must be from 1 to 9",
            ),
            (
                deflate(default().level(10)),
                "setting `level` is 10, but it must be from 1 to 9",
            ),
            (
                deflate(default().server_max_window_bits(8)),
                "setting `server_max_window_bits` is 8, but it must be from 9 to 15",
            ),
            (
                deflate(default().server_max_window_bits(16)),
                "setting `server_max_window_bits` is 16, but it must be from 9 to 15",
            ),
            (
                ServerConfig::default().server_header("a\nb".to_owned()),
                "setting `server_header` is \"a\\nb\", but it must be visible ASCII, as the value of a header is",
            ),
        ] {
            assert_eq!(settings(&config).unwrap_err().to_string(), wanted);
        }
        settings(&ServerConfig::default()).unwrap();
        settings(&deflate(default().level(9).server_max_window_bits(9))).unwrap();
    }
}
