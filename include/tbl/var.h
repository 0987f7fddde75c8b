/* One row a word that a definition's templates may use beside earlier fields: name, text between the braces.
 */
VAR(VENDOR, "vendor")               /* the definition's vendor */
VAR(LAB, "lab")                     /* the source's default lab */
VAR(ID_PREFIX, "id_prefix")         /* the source's prefix of pickup ids */
VAR(CLINIC_PREFIX, "clinic_prefix") /* the source's prefix of clinic ids */
VAR(RECEIVED, "received")           /* when the webhook first arrived */
#undef VAR
