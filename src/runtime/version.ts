/** The version of this program: that of the package, written out so that telling it reads no file. */

/** As `litestream version` prints it; a test compares it with the package. */
export const VERSION = '0.5.17';
