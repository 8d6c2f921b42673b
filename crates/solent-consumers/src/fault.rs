//! Whose fault an error is.

use std::{any::type_name, borrow::Cow, error::Error};

use http::{HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use solent_layer::{LayerError, NameError, SendError, is_away};
use solent_spec::{
    AppError, Chain, RequestScope, TryLater,
    json::InvalidJson,
    request::ParamError,
    websocket::{Close, CloseCode},
};

use crate::{
    Refusal,
    who::{Who, tell},
};

/// How much of a text that a client chose is looked for in a name: a name that is too long is known only in part.
const ENOUGH: usize = 32;

/// The refusal that an error amounts to: one that says so, something that is away or busy, or a fault of the client in what it asks
/// for. The error again if it is anything else.
pub(crate) fn refusal(
    error: AppError,
    scope: &impl RequestScope,
    who: impl FnOnce() -> Who,
) -> Result<Refusal, AppError> {
    let error = match error.downcast::<Refusal>() {
        Ok(refusal) => return Ok(*refusal),
        Err(error) => error,
    };
    if is_away(&*error) {
        return Ok(try_later(&error));
    }
    if TryLater::is_behind(&*error) {
        tell!(warn, who(), error = %Chain(&*error), "request refused, what it needs is away or busy");
        return Ok(try_later(&error));
    }
    let Some(status) = status(&*error, scope) else {
        return Err(error);
    };
    tracing::debug!(
        target: "solent::consumers",
        status = status.as_u16(),
        error = %Chain(&*error),
        "request refused, what the client asks for does not fit"
    );
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    let reason = status.canonical_reason().unwrap_or_default();
    Ok(Refusal::new(status)
        .header(header::CONTENT_TYPE, text)
        .body(reason))
}

/// Makes the consumer of a connection, or the refusal that the factory's error amounts to.
pub(crate) fn consumer<S: RequestScope, C>(
    factory: &dyn Fn(&S) -> Result<C, AppError>,
    scope: &S,
) -> Result<Result<C, Refusal>, AppError> {
    match factory(scope) {
        Ok(consumer) => Ok(Ok(consumer)),
        Err(error) => refusal(error, scope, || Who::of(type_name::<C>(), scope)).map(Err),
    }
}

/// What is needed is away or busy. The client may try again in a moment.
fn try_later(error: &AppError) -> Refusal {
    tracing::debug!(
        target: "solent::consumers",
        error = %Chain(&**error),
        "request refused, it may be tried again later"
    );
    let moment = HeaderValue::from_static("1");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE).header(header::RETRY_AFTER, moment)
}

/// How to close a WebSocket whose handler failed with an error, if that is the client's fault or passes by itself. `of_message` tells that the
/// handler was called for a message of the client.
pub(crate) fn close(
    error: &AppError,
    scope: &impl RequestScope,
    of_message: bool,
) -> Option<Close> {
    let close = causes(&**error).find_map(|cause| {
        if cause.is::<TryLater>() {
            return Some(Close::new(CloseCode::TRY_AGAIN_LATER, "try again later"));
        }
        if let Some(invalid) = cause.downcast_ref::<InvalidJson>() {
            return of_message.then(|| invalid.close());
        }
        let name = name_error(cause);
        let chosen = name.is_some_and(|error| of_message || is_chosen(error, scope));
        let misfit = cause.downcast_ref().is_some_and(ParamError::is_misfit);
        let code = match (chosen, misfit) {
            (true, _) => CloseCode::INVALID_DATA,
            (_, true) => CloseCode::POLICY,
            _ => return None,
        };
        Some(Close::new(code, &Chain(&**error).to_string()))
    })?;
    tracing::debug!(
        target: "solent::consumers",
        code = close.code.as_u16(),
        error = %Chain(&**error),
        "closing a connection for an error that is not the application's"
    );
    Some(close)
}

fn status(error: &(dyn Error + 'static), scope: &impl RequestScope) -> Option<StatusCode> {
    causes(error).find_map(|cause| {
        let misfit = cause.downcast_ref().is_some_and(ParamError::is_misfit);
        let name = name_error(cause).is_some_and(|error| is_chosen(error, scope));
        if misfit || name {
            return Some(StatusCode::NOT_FOUND);
        }
        cause.is::<InvalidJson>().then_some(StatusCode::BAD_REQUEST)
    })
}

/// An error and what it was caused by.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source()).take(32)
}

fn name_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a NameError> {
    let layer = match error.downcast_ref::<SendError>() {
        Some(SendError::Layer(error)) => Some(error),
        _ => error.downcast_ref::<LayerError>(),
    };
    match layer {
        Some(LayerError::Name(error)) => Some(error),
        _ => error.downcast_ref(),
    }
}

/// Whether it is a part that the client chose which makes a name break the rules. If it is the application's own part, the
/// error is the application's.
fn is_chosen(error: &NameError, scope: &impl RequestScope) -> bool {
    let name = error.name().to_lowercase();
    let route = scope.link().url_route();
    let params = route.into_iter().flat_map(|route| {
        let named = route.params().map(|(_, value)| value);
        named.chain(route.args())
    });
    let segments = scope.path().split('/');
    let mut texts = params
        .chain(segments)
        .map(Cow::Borrowed)
        .chain(query(scope));
    texts.any(|text| breaks(&name, text.trim()))
}

/// The decoded names and values of the query.
fn query(scope: &impl RequestScope) -> impl Iterator<Item = Cow<'_, str>> {
    let parts = scope.query().split(['&', '=']);
    parts.map(|part| {
        let part = part.replace('+', " ");
        Cow::Owned(percent_decode_str(&part).decode_utf8_lossy().into_owned())
    })
}

/// Whether `text` is a part of the name, and breaks the rules: by its characters, by its length, or by being all there is and
/// nothing.
fn breaks(name: &str, text: &str) -> bool {
    if name.is_empty() {
        return true;
    }
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_plain && text.len() < ENOUGH {
        return false;
    }
    let start: String = text.to_lowercase().chars().take(ENOUGH).collect();
    name.contains(&start) && (!is_plain || name.chars().count() > 99)
}
