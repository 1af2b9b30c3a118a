/** The library's messages have the names of options and arguments in backticks, in snake case. */

function camel(name: string): string {
    return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** A message of the library with the names of this package. */
export function translateMessage(message: string): string {
    return message.replace(/`\w+`/g, camel);
}
