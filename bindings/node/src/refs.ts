/** Unwraps Vue's refs. They are recognised by Vue's own marker, so that the package does not import Vue. */

function isRef(value: unknown): value is { readonly value: unknown } {
    return typeof value === 'object' && value !== null && '__v_isRef' in value && value.__v_isRef === true;
}

/** The current value of a ref (`ref`, `computed`, `shallowRef` …), or the value itself. */
export function unref(value: unknown): unknown {
    let inner = value;
    while (isRef(inner)) {
        inner = inner.value;
    }
    return inner;
}
