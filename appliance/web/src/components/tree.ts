export interface TreeNode {
  id: string;
  label: string;
  href?: string;
  children?: TreeNode[];
}
