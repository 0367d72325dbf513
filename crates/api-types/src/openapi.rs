//! The OpenAPI document, made from the table of endpoints.

use std::collections::BTreeMap;

use utoipa::ToSchema;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Ref, RefOr, Required,
    ResponseBuilder, Schema,
};

use crate::endpoints::{Access, ENDPOINTS, Endpoint, Method, describe_query};

/// The shapes referred to so far, by name.
#[derive(Default)]
pub struct Schemas(BTreeMap<String, RefOr<Schema>>);

/// Registers `T` with all it refers to.
pub fn shape<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    let name = T::name().into_owned();
    if !schemas.0.contains_key(&name) {
        let mut nested = Vec::new();
        T::schemas(&mut nested);
        schemas.0.insert(name.clone(), T::schema());
        schemas.0.extend(nested);
    }
    Ref::from_schema_name(name).into()
}

/// A page of `T`.
pub fn list<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    let item = shape::<T>(schemas);
    let name = format!("{}List", T::name());
    let page = ObjectBuilder::new()
        .property("items", ArrayBuilder::new().items(item))
        .required("items")
        .property("next", ObjectBuilder::new().schema_type(Type::String));
    schemas.0.insert(name.clone(), page.into());
    Ref::from_schema_name(name).into()
}

/// The whole document, as served at `/api/v1/openapi.json`.
pub fn document() -> OpenApi {
    let mut schemas = Schemas::default();
    shape::<crate::Problem>(&mut schemas);
    shape::<crate::LiveRequest>(&mut schemas);
    shape::<crate::LiveMessage>(&mut schemas);
    shape::<crate::live::VitalsUpdate>(&mut schemas);
    let mut items: BTreeMap<&str, Vec<(HttpMethod, utoipa::openapi::path::Operation)>> = BTreeMap::new();
    for endpoint in ENDPOINTS {
        let operation = operation(endpoint, &mut schemas);
        items.entry(endpoint.path).or_default().push((http_method(endpoint.method), operation));
    }
    let mut paths = PathsBuilder::new();
    for (path, operations) in items {
        let mut operations = operations.into_iter();
        let Some((method, operation)) = operations.next() else { continue };
        let mut item = PathItem::new(method, operation);
        for (method, operation) in operations {
            item.merge_operations(PathItem::new(method, operation));
        }
        paths = paths.path(format!("/api/v1{path}"), item);
    }
    let mut components = ComponentsBuilder::new();
    for (name, schema) in schemas.0 {
        components = components.schema(name, schema);
    }
    let components = components
        .security_scheme(
            "token",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
        )
        .security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("__Host-watchtower"))),
        );
    OpenApiBuilder::new()
        .info(InfoBuilder::new().title("Watchtower").version(env!("CARGO_PKG_VERSION")))
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

fn http_method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Put => HttpMethod::Put,
        Method::Patch => HttpMethod::Patch,
        Method::Delete => HttpMethod::Delete,
    }
}

fn operation(endpoint: &Endpoint, schemas: &mut Schemas) -> utoipa::openapi::path::Operation {
    let tag = endpoint.id.split('.').next().unwrap_or(endpoint.id);
    let mut operation =
        OperationBuilder::new().operation_id(Some(endpoint.id)).tag(tag).summary(Some(endpoint.summary));
    for name in endpoint.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        operation = operation.parameter(text_parameter(
            name,
            ParameterIn::Path,
            Required::True,
            "Id, number or name",
        ));
    }
    for name in endpoint.query {
        operation = operation.parameter(text_parameter(
            name,
            ParameterIn::Query,
            Required::False,
            describe_query(name),
        ));
    }
    if let Some(body) = endpoint.body {
        let content = ContentBuilder::new().schema(Some(body(schemas))).build();
        operation = operation.request_body(Some(
            RequestBodyBuilder::new()
                .content("application/json", content)
                .required(Some(Required::True))
                .build(),
        ));
    }
    operation = match endpoint.reply {
        Some(reply) => {
            let content = ContentBuilder::new().schema(Some(reply(schemas))).build();
            operation.response(
                "200",
                ResponseBuilder::new().description("OK").content("application/json", content),
            )
        }
        None => operation.response("204", ResponseBuilder::new().description("Done")),
    };
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    operation = operation.response(
        "default",
        ResponseBuilder::new().description("A problem").content("application/problem+json", problem),
    );
    if endpoint.access != Access::Public {
        for scheme in ["token", "session"] {
            operation = operation.security(SecurityRequirement::new(scheme, Vec::<String>::new()));
        }
    }
    operation.build()
}

fn text_parameter(
    name: &str,
    place: ParameterIn,
    required: Required,
    about: &str,
) -> utoipa::openapi::path::Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(about))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_resolves_and_ids_are_unique() {
        let json = serde_json::to_value(document()).unwrap();
        let known = json["components"]["schemas"].as_object().unwrap();
        let text = json.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(known.contains_key(name), "{name} is referred to but not defined");
        }
        let mut ids: Vec<_> = ENDPOINTS.iter().map(|endpoint| endpoint.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ENDPOINTS.len());
    }

    #[test]
    fn every_query_parameter_is_described() {
        for endpoint in ENDPOINTS {
            for name in endpoint.query {
                assert!(!describe_query(name).is_empty(), "{name}");
            }
        }
    }
}
