/** Vue's refs, known by their mark: this package does not depend on Vue. */

function isRef(value: unknown): value is { readonly value: unknown } {
    return typeof value === 'object' && value !== null && '__v_isRef' in value && value.__v_isRef === true;
}

/** The value as it is now, out of a ref (`ref`, `computed`, `shallowRef` …) where it is in one. */
export function unref(value: unknown): unknown {
    let inner = value;
    while (isRef(inner)) {
        inner = inner.value;
    }
    return inner;
}
